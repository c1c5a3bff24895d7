/** Arithmetic that must be as in Python. */

/** To the nearest whole number, halves to the even one. */
export function rounded(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below % 2 ? below + 1 : below;
  return rest > 0.5 ? below + 1 : below;
}

/** Seconds to four decimals. */
export function seconds(value: number): number {
  return Number(value.toFixed(4));
}
