// A Web Worker that classifies: it gets the URL of a model and a text, and answers with the prediction.
import { Classifier } from "./edgetext.mjs";

addEventListener("message", async ({ data: [model, text] }) => {
  postMessage((await Classifier.load(model)).classify(text));
});
