// The grammar: checked by the server a moment after each change, problems at their lines.
import { ask } from "./link.js";
import { EXAMPLES } from "./examples.js";

const find = (id) => document.getElementById(id);
const area = find("editor"), lines = find("lines"), verdict = find("verdict"), problems = find("problems");
const samples = find("samples"), choice = find("examples");
const PAUSE = 250;
let timer = 0, count = 0, good = null;

export const grammar = () => good;

export function begin(text, changed) {
  const own = text.trim() ? { "Of this server": text, ...EXAMPLES } : EXAMPLES;
  for (const name of Object.keys(own)) choice.append(new Option(name, name));
  choice.onchange = () => {
    if (!choice.value) return;
    area.value = own[choice.value];
    choice.value = "";
    check(changed);
  };
  area.oninput = () => { clearTimeout(timer); number(); timer = setTimeout(() => check(changed), PAUSE); };
  area.onscroll = () => { lines.scrollTop = area.scrollTop; };
  area.value = text.trim() ? text : EXAMPLES["Lights"];
  check(changed);
}

function number(bad = new Set()) {
  const total = area.value.split("\n").length;
  lines.replaceChildren(...Array.from({ length: total }, (_, index) => {
    const line = document.createElement("span");
    line.textContent = index + 1;
    line.className = bad.has(index + 1) ? "bad" : "";
    return line;
  }));
  lines.scrollTop = area.scrollTop;
}

async function check(changed) {
  const text = area.value, mine = ++count;
  let answer;
  try {
    answer = await (await ask("grammar", { method: "POST", body: text })).json();
  } catch {
    answer = { ok: false, problems: [{ message: "the server is not there" }] };
  }
  if (mine !== count) return;
  if (answer.error) answer.problems = [{ message: answer.error }];
  const found = answer.problems ?? [];
  number(new Set(found.map((problem) => problem.line)));
  area.setAttribute("aria-invalid", String(!answer.ok));
  problems.replaceChildren(...found.map(shown));
  verdict.className = answer.ok ? "good" : "bad";
  verdict.textContent = answer.ok
    ? `${answer.words} words, compiled in ${Math.max(1, Math.round(1000 * answer.seconds))} ms` +
      (answer.guessed.length ? `; pronunciation guessed: ${answer.guessed.join(", ")}` : "")
    : `${found.length} problem${found.length === 1 ? "" : "s"}; the grammar before goes on`;
  samples.replaceChildren(...(answer.samples ?? []).slice(0, 6).map(({ text: sentence }) => {
    const chip = document.createElement("span");
    chip.textContent = sentence;
    return chip;
  }));
  if (answer.ok && text !== good) { good = text; changed(text); }
}

function shown(problem) {
  const item = document.createElement("li"), button = document.createElement("button");
  button.type = "button";
  button.textContent = problem.line ? `Line ${problem.line}: ${problem.message}` : problem.message;
  button.onclick = () => go(problem.line ?? 1);
  item.append(button);
  return item;
}

function go(line) {
  const before = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  area.focus();
  area.setSelectionRange(before, before + area.value.split("\n")[line - 1].length);
}
