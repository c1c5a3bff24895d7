/** On the audio thread: passes what the microphone hears on to the worker, in pieces of about 20 ms. */

const PIECE = 1024;

class Capture extends AudioWorkletProcessor {
  private port2: MessagePort | undefined; // to the worker
  private piece = new Float32Array(PIECE);
  private filled = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<MessagePort>): void => {
      this.port2 = data;
    };
  }

  override process([channels]: Float32Array[][]): boolean {
    const samples = channels?.[0]?.length ?? 0;
    for (let at = 0; at < samples; at++) {
      let sum = 0;
      for (const channel of channels) sum += channel[at];
      this.piece[this.filled++] = sum / channels.length;
      if (this.filled === PIECE) {
        this.port2?.postMessage(this.piece, [this.piece.buffer]);
        this.piece = new Float32Array(PIECE);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("speech-lstm-capture", Capture);
