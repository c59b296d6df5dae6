// The page: classify the text as it is typed, and show what each word adds.

import { Classifier } from "./edgetext.mjs";

const MOST_LABELS = 5;
const MOST_EFFECTS = 8;
const PAUSE = 800; // milliseconds without typing before a screen reader is told the answer

const byId = (id) => document.getElementById(id);
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const signed = new Intl.NumberFormat("en", { signDisplay: "exceptZero", minimumFractionDigits: 2, maximumFractionDigits: 2 });

let classifier;
let loads = 0;

/** Load a model and show the answer; of several at once the last one asked for wins. */
async function load(source, name) {
  const number = ++loads;
  byId("problem").textContent = "";
  try {
    const loaded = await Classifier.load(source);
    if (number !== loads) return;
    classifier = loaded;
    const shown = loaded.labels.slice(0, 10).join(", ");
    byId("about").textContent = `${name}; ${loaded.labels.length} labels: ${shown}${loaded.labels.length > 10 ? ", …" : ""}`;
    show();
  } catch (error) {
    if (number === loads) byId("problem").textContent = `Cannot load the model. ${error.message}`;
  }
}

/** Show the answer for the text. */
function show() {
  if (!classifier) return;
  const text = byId("text").value;
  const { label, score, probabilities, known } = classifier.classify(text);
  byId("result").hidden = false;
  byId("label").textContent = label;
  byId("score").textContent = percent.format(score);
  byId("known").textContent = `Known words: ${percent.format(known)}`;
  const ordered = Object.entries(probabilities).sort((a, b) => b[1] - a[1]);
  byId("labels").replaceChildren(...ordered.slice(0, MOST_LABELS).map(bar));
  showEffects(text);
  speak(`${label}, ${percent.format(score)}`);
}

/** Return a list item with a label's probability. */
function bar([label, probability]) {
  const item = make("li", "", make("span", "", label), make("span", "number", percent.format(probability)));
  item.style.setProperty("--share", probability);
  return item;
}

/** Mark the words by what they add to the label, and list the strongest parts. */
function showEffects(text) {
  let explanation;
  try {
    explanation = classifier.explain(text);
  } catch {
    explanation = null;
  }
  byId("effects").hidden = explanation === null;
  byId("no-effects").hidden = explanation !== null;
  if (explanation === null) return;
  for (const place of document.querySelectorAll(".chosen")) place.textContent = explanation.label;
  byId("other").textContent = explanation.against;
  byId("marked").replaceChildren(...mark(text, shareAmongWords(explanation.parts)));
  const strongest = explanation.parts.filter((part) => part.effect);
  strongest.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
  byId("strongest").replaceChildren(
    ...strongest.slice(0, MOST_EFFECTS).map(({ kind, start, end, effect }) => {
      const words = (kind === "beginning" ? "at the start: " : "") + text.slice(start, end);
      return make("tr", "", make("td", "", words), make("td", "number", signed.format(effect)));
    }),
  );
}

/** Return the words with their effects; that of a pair, triple or run is divided among its words. */
function shareAmongWords(parts) {
  const words = parts.filter(({ kind }) => kind === "word" || kind === "unknown");
  const places = new Map(words.map(({ start }, place) => [start, place]));
  const shared = words.map(({ start, end, effect }) => ({ start, end, effect }));
  for (const { kind, start, end, effect } of parts) {
    const first = places.get(start);
    if (kind === "word" || kind === "unknown" || first === undefined) continue; // a run beyond the words that are read
    let last = first + 1;
    while (last < words.length && words[last].end <= end) last++;
    for (let place = first; place < last; place++) shared[place].effect += effect / (last - first);
  }
  return shared;
}

/** Return the text as nodes, with its words marked. */
function mark(text, words) {
  const strongest = Math.max(...words.map(({ effect }) => Math.abs(effect)));
  const nodes = [];
  let done = 0;
  for (const { start, end, effect } of words) {
    nodes.push(text.slice(done, start));
    const word = make("span", effect < 0 ? "against" : "for", text.slice(start, end));
    word.style.setProperty("--strength", strongest ? Math.abs(effect) / strongest : 0);
    word.title = signed.format(effect);
    nodes.push(effect ? word : word.textContent);
    done = end;
  }
  return [...nodes, text.slice(done)];
}

/** Return an element. */
function make(name, classes, ...children) {
  const element = document.createElement(name);
  element.className = classes;
  element.append(...children);
  return element;
}

let timer;

/** Tell a screen reader, once typing pauses. */
function speak(answer) {
  clearTimeout(timer);
  timer = setTimeout(() => (byId("spoken").textContent = answer), PAUSE);
}

byId("text").addEventListener("input", show);
byId("model").addEventListener("submit", (event) => {
  event.preventDefault();
  load(byId("url").value, byId("url").value);
});
byId("file").addEventListener("change", async () => {
  const [file] = byId("file").files;
  if (file) load(await file.arrayBuffer(), file.name);
});

const model = new URLSearchParams(location.search).get("model") ?? "model.etx";
load(model, model);
