/** What page and worker tell each other. */

import type { RecognizerOptions } from "../live/recognizer";
import type { State } from "../live/session";
import type { Cost } from "../live/stream";
import type { Event, Result } from "../results";

/** To the worker. Those with an `id` are answered. */
export type Order =
  | { readonly do: "load"; readonly id: number; readonly model: string; readonly grammar: string; readonly wasm?: string; readonly options: RecognizerOptions }
  | { readonly do: "recognize"; readonly id: number; readonly samples: Float32Array; readonly rate: number }
  | { readonly do: "use"; readonly id: number; readonly grammar: string }
  | { readonly do: "listen"; readonly id: number; readonly rate: number; readonly port: MessagePort }
  | { readonly do: "stop"; readonly id: number }
  | { readonly do: "press" | "release" };

/** From the worker. */
export type Answer =
  | { readonly tell: "done"; readonly id: number; readonly result?: Result }
  | { readonly tell: "failed"; readonly id: number; readonly name: string; readonly message: string }
  | { readonly tell: "heard"; readonly events: readonly Event[]; readonly state: State; readonly cost: Cost }
  | { readonly tell: "broken"; readonly message: string };
