// What interop.py has Node.js do: score or time texts with a lone file that takes text, through onnxruntime-node.
//
//     node benchmarks/measuring/peer.mjs FOLDER FILE about
//     node benchmarks/measuring/peer.mjs FOLDER FILE score TEXTS
//     node benchmarks/measuring/peer.mjs FOLDER FILE time TEXTS
//
// FOLDER has node_modules. Texts and answers are as in program.py.

process.env.ORT_DISABLE_TELEMETRY ??= "1"; // before the package is loaded: see runtime/edgetext/engines/onnx.py
const { readFileSync } = await import("node:fs");
const { createRequire } = await import("node:module");
const { resolve } = await import("node:path");

const WARM_UP = 200; // texts that are classified before the first that is timed

const [folder, file, mode, list] = process.argv.slice(2);

async function work() {
  const require = createRequire(resolve(folder, "package.json"));
  const ort = require("onnxruntime-node");
  if (mode === "about") {
    return { runtime: `onnxruntime-node ${require("onnxruntime-node/package.json").version}` };
  }
  const texts = JSON.parse(readFileSync(list, "utf8"));
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const classify = async (text) => {
    const { label, probabilities } = await session.run({ text: new ort.Tensor("string", [text], [1]) });
    return [label.data[0], [...probabilities.data]];
  };
  if (mode === "score") {
    const answers = [];
    for (const text of texts) answers.push(await classify(text));
    return { answers };
  }
  for (const text of texts.slice(0, WARM_UP)) await classify(text);
  const times = [];
  for (const text of texts) {
    const before = process.hrtime.bigint();
    await classify(text);
    times.push(Number(process.hrtime.bigint() - before));
  }
  return { text_to_label: times };
}

try {
  console.log(JSON.stringify(await work()));
} catch (error) {
  console.error(`error: ${error.message.split("\n")[0]}`);
  process.exitCode = 2;
}
