// Classify texts with one exported file that takes text, in Node.js, without edgetext.
//
// To install and run, with a copy of this program in an empty folder (the package's install script would download
// libraries for other processors than the CPU):
//
//     npm install --ignore-scripts onnxruntime-node
//     node onnx_text.mjs model.dynamic_wi8_text.onnx "great movie" "terrible movie"
//
// This package ends a text at a NUL character.

process.env.ORT_DISABLE_TELEMETRY ??= "1"; // before the import: or 1.32 looks up a host of its vendor
const ort = await import("onnxruntime-node").catch(fail);

const [file, ...texts] = process.argv.slice(2);
if (texts.length === 0) {
  console.error("usage: node onnx_text.mjs FILE TEXT...");
  process.exit(2);
}
function fail(error) {
  console.error(`error: ${error.message}`);
  process.exit(2);
}

const options = { intraOpNumThreads: 1, logSeverityLevel: 4 }; // the models are too small to gain from more threads
const session = await ort.InferenceSession.create(file, options).catch(fail);
const batch = new ort.Tensor("string", texts, [texts.length]);
const { label, probabilities } = await session.run({ text: batch }).catch(fail);
const width = probabilities.dims[1]; // one probability per label
texts.forEach((text, i) => {
  const row = probabilities.data.slice(i * width, (i + 1) * width);
  console.log(`${label.data[i]}\t${Math.max(...row).toFixed(6)}\t${text}`);
});
