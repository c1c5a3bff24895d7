/** The example page: a recording first, then the microphone. */

import { Listener, type Event, type Result } from "speech-lstm";

const button = element("listen") as HTMLButtonElement;
let listening = false;

const listener = await Listener.load({ model: "model.onnx", grammar: "commands.json" });
listener.onevent = show;
listener.onerror = (error): void => say("status", error.message);
button.disabled = false;
say("status", "Ready.");
await hearRecording("left.wav");

button.onclick = async (): Promise<void> => {
  button.disabled = true;
  try {
    if (listening) await listener.stop();
    else await listener.start();
    listening = !listening;
    button.textContent = listening ? "Stop" : "Listen";
    say("status", listening ? "Listening …" : "Stopped.");
  } catch (error) {
    say("status", String(error));
  }
  button.disabled = false;
};

/** What is said in a file, and how long after the page began to load that is known. */
async function hearRecording(name: string): Promise<void> {
  const file = await (await fetch(name)).arrayBuffer();
  const audio = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(file);
  const result = await listener.recognize(audio.getChannelData(0), audio.sampleRate);
  say("recording", `The recording ${name} says: ${describe(result)}, known ${(performance.now() / 1000).toFixed(2)} s after loading began.`);
}

function show(event: Event): void {
  if (event.event === "Partial") return say("status", `${event.text} …`);
  if (event.event !== "Command" && event.event !== "Rejected") return;
  const item = document.createElement("li");
  item.className = event.event;
  item.textContent = event.event === "Command" ? describe(event.result) : "not understood";
  element("events").prepend(item);
  const { audio, work } = listener.cost;
  say("status", `Listening; a second of sound costs ${((1000 * work) / audio).toFixed(0)} ms.`);
}

function describe({ text, confidence, intent, slots }: Result): string {
  const values = Object.entries(slots).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return `“${text}” (${[intent, ...values].filter(Boolean).join(", ")}; ${Math.round(100 * confidence)} %)`;
}

function say(id: string, text: string): void {
  element(id).textContent = text;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
}
