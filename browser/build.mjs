/** Makes dist/: the scripts of the package, ONNX Runtime's WebAssembly, and the example with a model, a grammar and a recording. */

import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const options = { bundle: true, minify: true, format: "esm", target: "es2022", logLevel: "warning" };
const entries = { index: "src/index.ts", recognizer: "src/live/recognizer.ts", worker: "src/page/worker.ts", capture: "src/page/capture.ts" };
const wasm = "ort-wasm-simd-threaded.wasm";

rmSync("dist/example", { recursive: true, force: true });
await build({ ...options, entryPoints: entries, outdir: "dist" });
copyFileSync(`node_modules/onnxruntime-web/dist/${wasm}`, `dist/${wasm}`);

for (const file of ["LICENSE", "NOTICE"]) copyFileSync(`../${file}`, file);

const golden = "../tests/data/golden";
if (existsSync(golden)) {
  mkdirSync("dist/example");
  await build({ ...options, entryPoints: ["example/example.ts"], outdir: "dist/example", alias: { "speech-lstm": "./src/index.ts" } });
  for (const file of ["worker.js", "capture.js", wasm]) copyFileSync(`dist/${file}`, `dist/example/${file}`);
  copyFileSync("example/index.html", "dist/example/index.html");
  copyFileSync("../models/default-int8.onnx", "dist/example/model.onnx");
  copyFileSync(`${golden}/commands.json`, "dist/example/commands.json");
  writeFileSync("dist/example/left.wav", wave(readFileSync(`${golden}/left.s16`)));
}

/** A WAV file of int16 samples at 16 kHz. */
function wave(samples) {
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + samples.length, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16000, 24);
  header.writeUInt32LE(32000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}
