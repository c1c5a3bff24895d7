// The connection to the server: one WebSocket, opened again when it breaks.
const RETRIES = [0.3, 1, 2, 4, 8];

// The token of this server, from #token=... in the address, which is never sent to a server by itself.
export const token = (() => {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  return given || sessionStorage.getItem("token");
})();

export function ask(path, options = {}) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  return fetch(path, { ...options, headers });
}

export class Link {
  // start(): the first message. on: { event(message), open(), broken(reason) }.
  constructor(start, on) {
    Object.assign(this, { start, on, tries: 0, sent: 0, base: 0, reason: "" });
    this.open();
  }
  open() {
    const url = new URL("ws", location.href.replace(/^http/, "ws").split("#")[0]);
    this.socket = new WebSocket(url, ["speech-lstm", ...(token ? [`token.${token}`] : [])]);
    this.socket.binaryType = "arraybuffer";
    this.sent = this.base = 0;
    this.socket.onopen = () => this.tell(this.start());
    this.socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    this.socket.onclose = ({ reason }) => this.closed(reason);
  }
  receive(message) {
    if (message.event === "Ready") { this.tries = 0; this.on.open(message); }
    if (message.event === "Closing") this.reason = message.reason;
    if (message.event === "GrammarReady" || message.event === "Finished") this.base = this.next ?? this.base;
    this.on.event(message);
  }
  closed(reason) {
    if (this.over) return;
    this.on.broken(this.reason || reason || "the server is not there");
    this.timer = setTimeout(() => this.open(), 1000 * RETRIES[Math.min(this.tries++, RETRIES.length - 1)]);
  }
  get ready() { return this.socket.readyState === WebSocket.OPEN; }
  // Seconds sent of the stream that the server hears now.
  get seconds() { return this.sent - this.base; }
  tell(message) {
    if (!this.ready) return;
    if (message.type === "grammar" || message.type === "finish") this.next = this.sent;
    this.socket.send(JSON.stringify(message));
  }
  // Float32 samples at that rate. What a broken or crowded connection cannot take is left out.
  feed(samples, rate) {
    if (!this.ready || this.socket.bufferedAmount > 4e6) return;
    const pcm = new Int16Array(samples.length);
    for (let at = 0; at < pcm.length; at++) pcm[at] = Math.max(-32768, Math.min(32767, samples[at] * 32767));
    this.socket.send(pcm);
    this.sent += samples.length / rate;
  }
  close() {
    this.over = true;
    clearTimeout(this.timer);
    this.socket.close();
  }
}
