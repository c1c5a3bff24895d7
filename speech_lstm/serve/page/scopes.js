// The waveform and the phones of the last seconds, on one time axis.
const LONGEST = 6, SHORTEST = 3, NARROW = 600, FADE = 150, FRAME = 0.04, BAR = 0.02;
const GROUPS = {
  vowel: "IY IH EY EH AE AA AO OW UH UW AH ER AY AW OY".split(" "),
  nasal: "R M N NG L Y W".split(" "),
  hiss: "S Z SH ZH F V TH DH HH CH JH".split(" "),
  stop: "P B T D K G".split(" "),
};
const ROWS = Object.entries(GROUPS).flatMap(([group, phones]) => phones.map((phone) => ({ phone, group })));
const ROW_OF = new Map(ROWS.map(({ phone }, row) => [phone, row]));

// Seconds on a canvas of that width, and how much of what is at x is left of the names at its left end.
const shown = (width) => (width < NARROW ? SHORTEST : LONGEST);
const fading = (x, width) => (width < NARROW ? 1 : Math.min(1, Math.max(0, (x - FADE / 2) / FADE)));

export class Scopes {
  constructor(wave, phones) {
    Object.assign(this, { wave, phones, tokens: [], bars: [], frames: [], loudest: 0, counted: 0, level: 0 });
    new ResizeObserver(() => this.draw()).observe(wave);
  }
  samples(block, rate) {
    const size = Math.round(rate * BAR);
    for (const sample of block) {
      this.loudest = Math.max(this.loudest, Math.abs(sample));
      if (++this.counted < size) continue;
      this.bars.push(this.loudest);
      this.level = Math.max(this.loudest, this.level * 0.85);
      this.loudest = this.counted = 0;
    }
    this.bars.splice(0, Math.max(0, this.bars.length - LONGEST / BAR));
    this.ask();
  }
  heard(frames) {
    this.frames.push(...frames);
    this.frames.splice(0, Math.max(0, this.frames.length - LONGEST / FRAME));
    this.ask();
  }
  ask() {
    if (!this.asked) this.asked = requestAnimationFrame(() => { this.asked = 0; this.draw(); });
  }
  surface(canvas) {
    const { clientWidth: width, clientHeight: height } = canvas, ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return { pen, width, height };
  }
  draw() {
    const style = getComputedStyle(document.documentElement), color = (name) => style.getPropertyValue(`--${name}`);
    const wave = this.surface(this.wave), step = wave.width * BAR / shown(wave.width);
    wave.pen.fillStyle = color("line");
    wave.pen.fillRect(0, wave.height / 2 - 0.5, wave.width, 1);
    wave.pen.fillStyle = color("accent");
    this.bars.forEach((bar, index) => {
      const x = wave.width - (this.bars.length - index) * step;
      wave.pen.globalAlpha = fading(x, wave.width);
      const tall = Math.max(1, Math.sqrt(bar) * wave.height * 0.94);
      wave.pen.beginPath();
      wave.pen.roundRect(x, (wave.height - tall) / 2, Math.max(1, step * 0.62), tall, 1);
      wave.pen.fill();
    });
    this.drawPhones(color);
  }
  drawPhones(color) {
    const { pen, width, height } = this.surface(this.phones), step = width * FRAME / shown(width), row = (height - 16) / ROWS.length;
    pen.font = "600 11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    let start = 0;
    for (const [group, phones] of Object.entries(GROUPS)) {
      const middle = 8 + (start + phones.length / 2) * row;
      pen.fillStyle = color(group);
      pen.globalAlpha = 0.05;
      pen.fillRect(0, 8 + start * row, width, phones.length * row - 1);
      pen.globalAlpha = 0.75;
      if (width >= NARROW || !this.frames.length) pen.fillText({ vowel: "vowels", nasal: "nasals and glides", hiss: "fricatives", stop: "stops" }[group], 8, middle);
      start += phones.length;
    }
    const labels = [], runs = new Map();  // a name goes behind the last of the frames in a row that have it
    const end = (index) => runs.forEach((run, place) => {
      if (run.index < index - 1) { labels.push(run); runs.delete(place); }
    });
    this.frames.forEach((frame, index) => {
      end(index);
      const x = width - (this.frames.length - index) * step;
      for (const [token, share] of frame) {
        const place = ROW_OF.get(this.tokens[token]);
        if (place === undefined) continue;
        const y = 8 + place * row;
        pen.fillStyle = color(ROWS[place].group);
        pen.globalAlpha = (0.15 + 0.85 * share) * fading(x, width);
        pen.beginPath();
        pen.roundRect(x, y, Math.max(2, step - 1), Math.max(2.5, row), 1.5);
        pen.fill();
        if (share > 0.4) runs.set(place, { x: x + step + 2, y: y + row / 2, place, name: this.tokens[token], index });
      }
    });
    for (const { x, y, place, name } of [...labels, ...runs.values()]) {
      pen.globalAlpha = fading(x, width);
      pen.fillStyle = color(ROWS[place].group);
      pen.fillText(name, x, y);
    }
    pen.globalAlpha = 1;
  }
}
