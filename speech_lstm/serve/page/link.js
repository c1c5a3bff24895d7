// The connection to the server: one WebSocket, opened again when it breaks.
const RETRIES = [0.3, 1, 2, 4, 8];
const KEPT = 15; // seconds of audio, at most, that are sent once more to a server that is back
const WAITING = 3; // of them, while nothing is said: a wake word may just begin

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
    Object.assign(this, { start, on, tries: 0, sent: 0, base: 0, next: 0, reason: "", kept: [], ending: null });
    this.open();
  }
  open() {
    const url = new URL("ws", location.href.replace(/^http/, "ws").split("#")[0]);
    this.socket = new WebSocket(url, ["speech-lstm", ...(token ? [`token.${token}`] : [])]);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.begin();
    this.socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    this.socket.onclose = ({ reason }) => this.closed(reason);
  }
  begin() {
    const again = this.kept;
    Object.assign(this, { sent: 0, base: 0, next: 0, kept: [] });
    this.tell(this.start());
    again.forEach((piece) => this.put(piece));
    if (this.ending) this.tell(this.ending);
  }
  receive(message) {
    if (message.event === "Ready") { this.tries = 0; this.on.open(message); }
    if (message.event === "Closing") this.reason = message.reason;
    if (message.event === "Finished") { this.base = this.next; this.settle(0); }
    if (message.event === "Finished") this.ending = null;
    if (message.event === "Command" || message.event === "Rejected") this.settle(message.result.end);
    if (message.event === "Timeout") this.settle(message.time);
    if (message.event === "Heard" && message.state === "idle") this.settle(message.time - WAITING);
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
  // So much of that stream needs no server any more.
  settle(seconds) {
    while (this.kept.length && this.kept[0].until <= this.base + seconds) this.kept.shift();
  }
  tell(message) {
    if (message.type === "finish") this.ending = message;
    if (!this.ready) return;
    if (message.type === "finish") this.next = this.sent;
    this.socket.send(JSON.stringify(message));
  }
  // Float32 samples at that rate. What a crowded connection cannot take is left out, a broken one gets it later.
  feed(samples, rate) {
    if (this.socket.bufferedAmount > 4e6) return;
    const pcm = new Int16Array(samples.length);
    for (let at = 0; at < pcm.length; at++) pcm[at] = Math.max(-32768, Math.min(32767, samples[at] * 32767));
    this.put({ pcm, seconds: samples.length / rate });
  }
  put(piece) {
    this.sent += piece.seconds;
    this.kept.push({ ...piece, until: this.sent });
    while (this.sent - this.kept[0].until > KEPT) this.kept.shift();
    if (this.ready) this.socket.send(piece.pcm);
  }
  close() {
    this.over = true;
    clearTimeout(this.timer);
    this.socket.close();
  }
}
