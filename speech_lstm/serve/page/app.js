// The page: microphone or recording -> server -> what was heard.
import { Link, ask } from "./link.js";
import { Scopes } from "./scopes.js";
import { begin, grammar } from "./editor.js";

const find = (id) => document.getElementById(id);
const button = find("listen"), label = find("listen-label"), partial = find("partial"), status = find("status");
const commands = find("commands"), nothing = find("nothing"), wake = find("wake");
const scopes = new Scopes(find("wave"), find("phones"));
const MOST_COMMANDS = 50;
let link = null, microphone = null, costs = [], rate = 16000;

function say(text, bad = false) {
  status.textContent = text;
  status.className = bad ? "bad" : "";
}

function show(text, kind = "said") {
  partial.textContent = text;
  partial.className = kind;
}

// A connection for audio at that rate.
function connect(samplesPerSecond) {
  link?.close();
  rate = samplesPerSecond;
  const start = () => ({ type: "start", rate, encoding: "int16", phones: true, wake: wake.checked, grammar: grammar() ?? undefined });
  link = new Link(start, {
    event: receive,
    open: ({ tokens }) => {
      scopes.tokens = tokens;
      say(microphone ? "Listening. Press again to stop." : "Playing the recording.");
    },
    broken: (reason) => say(`Not connected: ${reason}. Trying again; what you say is kept.`, true),
  });
  return link;
}

function receive(message) {
  switch (message.event) {
    case "Heard":
      scopes.heard(message.phones);
      costs.push(message);
      costs = costs.slice(-60);
      find("state").textContent = { idle: wake.checked ? "asleep" : "waiting", awake: "awake", listening: "hearing you" }[message.state];
      find("cpu").textContent = `${(1000 * sum("compute") / sum("seconds")).toFixed(1)} ms`;
      break;
    case "WakeWord": show(`${message.phrase} …`); break;
    case "SpeechStarted": show("…"); break;
    case "Partial": show(message.text); break;
    case "Command": add(message.result, true); show(message.result.text, "sure"); break;
    case "Rejected": add(message.result, false); show("Not a command", ""); break;
    case "Timeout": show("Say a command", ""); break;
    case "Finished": if (!microphone) stop("The recording is over."); break;
  }
}

const sum = (name) => costs.reduce((total, cost) => total + cost[name], 0);

function make(tag, kind, text) {
  const element = document.createElement(tag);
  element.className = kind;
  if (text !== undefined) element.textContent = text;
  return element;
}

function add(result, accepted) {
  const item = make("li", accepted ? "command" : "rejected"), top = make("div", "top"), chips = make("div", "chips");
  const late = Math.max(0, link.seconds - result.end), percent = Math.round(100 * result.confidence);
  const text = accepted ? result.text : result.text ? `not sure: ${result.text}` : "speech that is no command";
  top.append(make("span", "text", text), make("span", "score", `${percent} %`));
  if (result.intent) chips.append(make("span", "chip intent", result.intent));
  for (const [name, value] of Object.entries(result.slots)) {
    const chip = make("span", "chip");
    chip.append(make("b", "", `${name} `), String(value));
    chips.append(chip);
  }
  const meter = Object.assign(make("meter", ""), { min: 0, max: 1, value: result.confidence });
  meter.setAttribute("aria-label", "confidence");
  item.append(top, ...(chips.childElementCount ? [chips] : []), meter);
  commands.prepend(item);
  while (commands.childElementCount > MOST_COMMANDS) commands.lastElementChild.remove();
  nothing.hidden = true;
  if (accepted && microphone) find("delay").textContent = `${Math.round(1000 * late)} ms`;
}

async function listen() {
  if (!navigator.mediaDevices) {
    say("Browsers give the microphone only to pages of this machine or over https.", true);
    return;
  }
  const context = new AudioContext();
  try {
    const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const source = await navigator.mediaDevices.getUserMedia({ audio });
    await context.audioWorklet.addModule("page/recorder.js");
    const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    microphone = { context, source };
    source.getAudioTracks()[0].onended = () => stop("The microphone is gone.");
    connect(context.sampleRate);
    recorder.port.onmessage = ({ data }) => {
      if (!microphone) return;
      link.feed(data, context.sampleRate);
      scopes.samples(data, context.sampleRate);
      button.style.setProperty("--level", Math.min(1, 2 * scopes.level).toFixed(2));
    };
    context.createMediaStreamSource(source).connect(recorder);
    button.setAttribute("aria-pressed", "true");
    label.textContent = "Stop the microphone";
    show("Say a command", "");
  } catch (error) {
    context.close();
    say({ NotAllowedError: "The microphone was not allowed.", NotFoundError: "There is no microphone." }[error.name] ?? String(error), true);
  }
}

function stop(text = "Stopped.") {
  microphone?.source.getTracks().forEach((track) => track.stop());
  microphone?.context.close();
  microphone = null;
  link?.close();
  button.setAttribute("aria-pressed", "false");
  button.style.removeProperty("--level");
  label.textContent = "Start the microphone";
  find("state").textContent = "off";
  say(text);
}

button.onclick = () => (microphone ? stop() : listen());

// A recording goes the same way, a little faster than it was spoken.
find("file").onchange = async ({ target }) => {
  const [file] = target.files;
  target.value = "";
  if (!file) return;
  if (microphone) stop();
  const context = new OfflineAudioContext(1, 1, 16000);
  let samples;
  try {
    samples = (await context.decodeAudioData(await file.arrayBuffer())).getChannelData(0);
  } catch {
    say(`${file.name} is not audio that this browser reads.`, true);
    return;
  }
  const here = connect(16000), step = 640;
  await new Promise((done) => here.socket.addEventListener("open", done));
  for (let at = 0; at < samples.length && link === here; at += step) {
    const block = samples.subarray(at, at + step);
    here.feed(block, 16000);
    scopes.samples(block, 16000);
    do await new Promise((done) => setTimeout(done, 10));
    while (!here.ready && link === here);
  }
  here.tell({ type: "finish" });
};

wake.onchange = () => { if (microphone) connect(rate); };
find("clear").onclick = () => { commands.replaceChildren(); nothing.hidden = false; };

const root = document.documentElement;
function paint(theme) {
  if (theme) root.dataset.theme = theme;
  scopes.draw();
}
paint(localStorage.getItem("theme"));
find("theme").onclick = () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  localStorage.setItem("theme", dark ? "light" : "dark");
  paint(dark ? "light" : "dark");
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => scopes.draw());

try {
  const answer = await ask("settings");
  if (!answer.ok) throw new Error((await answer.json()).error);
  const { grammar: text, wake_words: words, model } = await answer.json();
  find("model").textContent = model;
  find("wake-option").hidden = !words.length;
  find("wake-words").textContent = words.join("” or “");
  begin(text, (changed) => link?.tell({ type: "grammar", grammar: changed }));
} catch (error) {
  say(`${error.message}. Where a token is needed, put #token=... after the address.`, true);
}
