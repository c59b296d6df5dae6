// The page: classify the text as it is typed, and show what each word adds.

import { Classifier } from "./edgetext.mjs";

const MOST_LABELS = 5;
const MOST_EFFECTS = 8;
const LEAST_EFFECT = 0.005; // what is not shown as 0.00
const PAUSE = 800; // milliseconds without typing before a screen reader is told the answer

const byId = (id) => document.getElementById(id);
const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const signed = new Intl.NumberFormat("en", { signDisplay: "exceptZero", minimumFractionDigits: 2, maximumFractionDigits: 2 });

let classifier;
let loads = 0;

/** Return a share in words; nothing is rounded to 0% or 100%. */
function percent(share) {
  if (share > 0 && share < 0.0005) return "<0.1%";
  return share < 1 && share >= 0.9995 ? ">99.9%" : percents.format(share);
}

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
  byId("score").textContent = percent(score);
  byId("known").textContent = `Known words: ${percent(known)}`;
  const ordered = Object.entries(probabilities).sort((a, b) => b[1] - a[1]);
  byId("labels").replaceChildren(...ordered.slice(0, MOST_LABELS).map(share));
  showEffects(text, known);
  speak(`${label}, ${percent(score)}`);
}

/** Return a list item with a label's probability. */
function share([label, probability]) {
  const item = make("li", "", make("span", "", label), make("span", "number", percent(probability)));
  item.style.setProperty("--share", probability);
  return item;
}

/** Mark the words by what they add to the label, and list the strongest parts. */
function showEffects(text, known) {
  let explanation;
  let reason = "The model knows no word of this text. It gives the same answer to every such text.";
  if (known) reason = "No word of this text has an effect of 0.01 or more.";
  try {
    explanation = classifier.explain(text);
  } catch {
    reason = "The network of this model has no weights of words to show.";
  }
  const total = addEqualParts(text, explanation?.parts ?? []).filter(({ effect }) => Math.abs(effect) >= LEAST_EFFECT);
  byId("effects").hidden = total.length === 0;
  byId("no-effects").textContent = total.length ? "" : reason;
  if (!total.length) return;
  for (const place of document.querySelectorAll(".chosen")) place.textContent = explanation.label;
  byId("other").textContent = explanation.against;
  byId("marked").replaceChildren(...mark(text, shareAmongWords(explanation.parts)));
  total.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
  byId("strongest").replaceChildren(...total.slice(0, MOST_EFFECTS).map((part) => row(part, Math.abs(total[0].effect))));
}

/** Return what the parts that are the same words add together: `words`, `count` and `effect`. */
function addEqualParts(text, parts) {
  const totals = new Map();
  for (const { kind, start, end, effect } of parts) {
    const words = text.slice(start, end) + (kind === "beginning" ? " (at the beginning)" : "");
    const key = `${kind} ${words.toLowerCase()}`;
    const total = totals.get(key) ?? { words, count: 0, effect: 0 };
    totals.set(key, { ...total, count: total.count + 1, effect: total.effect + effect });
  }
  return [...totals.values()];
}

/** Return a row of the table, whose bar is as long as its effect is strong. */
function row({ words, count, effect }, strongest) {
  const bar = make("span", effect < 0 ? "bar against" : "bar for");
  bar.style.setProperty("--strength", Math.abs(effect) / strongest);
  const name = count > 1 ? `${words} ×${count}` : words;
  const cell = make("div", "effect", bar, make("span", "number", signed.format(effect)));
  return make("tr", "", make("td", "", name), make("td", "", cell));
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
