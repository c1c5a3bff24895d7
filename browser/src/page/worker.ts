/** The worker of a page: loads a recognizer and hears what the audio thread sends it. */

import { OptionError } from "../errors";
import { Recognizer } from "../live/recognizer";
import type { Stream } from "../live/stream";
import type { Event } from "../results";
import type { Answer, Order } from "./messages";

let recognizer: Recognizer | undefined;
let stream: Stream | undefined;

self.onmessage = ({ data }: MessageEvent<Order>): void => {
  if ("id" in data) void answered(data);
  else if (data.do === "press") stream?.press();
  else stream?.release();
};

type Asked = Extract<Order, { id: number }>;

async function answered(order: Asked): Promise<void> {
  try {
    tell({ tell: "done", id: order.id, ...(await carriedOut(order)) });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    tell({ tell: "failed", id: order.id, name, message });
  }
}

async function carriedOut(order: Asked): Promise<Partial<Extract<Answer, { tell: "done" }>>> {
  if (order.do === "load") {
    recognizer = await Recognizer.load(order, order.options);
    return {};
  }
  if (!recognizer) throw new OptionError("nothing is loaded yet");
  switch (order.do) {
    case "recognize":
      return { result: await recognizer.recognize(order.samples, order.rate) };
    case "use":
      recognizer = await recognizer.withGrammar(order.grammar);
      stream?.use(recognizer.forStream);
      return {};
    case "listen":
      listen(recognizer.stream(order.rate), order.port);
      return {};
    case "stop":
      if (stream) report(await stream.finish(), stream);
      stream = undefined;
      return {};
  }
}

/** Hear all that comes through a port. */
function listen(to: Stream, port: MessagePort): void {
  stream = to;
  port.onmessage = ({ data }: MessageEvent<Float32Array>): void => void hear(data);

  async function hear(samples: Float32Array): Promise<void> {
    if (stream !== to) return port.close();
    try {
      report(await to.accept(samples), to);
    } catch (error) {
      tell({ tell: "broken", message: String(error) });
    }
  }
}

function report(events: readonly Event[], from: Stream): void {
  tell({ tell: "heard", events, state: from.state, cost: from.cost });
}

function tell(answer: Answer): void {
  self.postMessage(answer);
}
