/**
 * Text classifiers that edgetext trained, in WebAssembly. edgetext.d.ts has the types.
 *
 *     import { Classifier } from "./edgetext.mjs";
 *     const classifier = await Classifier.load("model.etx");
 *     const { label, score } = classifier.classify("great movie");
 */

const KINDS = ["bias", "word", "unknown", "pair", "triple", "characters", "beginning"];
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** One model. It keeps its memory as long as it is referenced; there is nothing to close. */
export class Classifier {
  #wasm;

  /** The labels, in the order of the model. */
  labels;

  /**
   * Load a model that `python export/to_c.py` wrote, compressed with gzip or not.
   * @param source Its URL, its bytes, or in Node.js its path.
   * @throws {TypeError} If it is none of these.
   * @throws {Error} If it cannot be read, or is damaged or no model.
   */
  static async load(source) {
    const name = typeof source === "string" || source instanceof URL ? `${source}: ` : "";
    const [block, module] = await Promise.all([read(source).then((bytes) => decompress(bytes, name)), compile()]);
    const wasm = (await WebAssembly.instantiate(module)).exports;
    reserve(wasm, block.length).set(block);
    const error = wasm.open(block.length);
    if (error) throw new Error(name + string(wasm, wasm.error(error)));
    return new Classifier(wasm);
  }

  constructor(wasm) {
    if (!(wasm?.memory instanceof WebAssembly.Memory)) {
      throw new TypeError("a Classifier is made by `await Classifier.load(source)`, not by `new Classifier()`");
    }
    this.#wasm = wasm;
    const labels = Array.from({ length: wasm.labels() }, (_, index) => string(wasm, wasm.label(index)));
    this.labels = Object.freeze(labels);
  }

  /**
   * Return the most probable label of a text.
   * @returns `label`; `score`, its probability; `probabilities` by label; `known`, the share of the words that are known.
   */
  classify(text) {
    const label = this.labels[this.#wasm.score(this.#write(text))];
    const results = new Float64Array(this.#wasm.memory.buffer, this.#wasm.results(), 1 + this.labels.length);
    const probabilities = Object.fromEntries(this.labels.map((name, index) => [name, results[1 + index]]));
    return { label, score: probabilities[label], probabilities, known: results[0] };
  }

  /**
   * Explain why a text gets a label, by default the most probable one, rather than the most probable other one.
   * @returns `label`; `against`, the other; `logit`, the logarithm of the quotient of their probabilities; `bias`, what the
   *   model adds to every text; `parts`, each with `kind`, `start` and `end` (indices into `text`), and `effect`. The effects
   *   and `bias` add up to `logit`.
   * @throws {RangeError} If the model has no such label.
   * @throws {Error} If the model has no weights of words.
   */
  explain(text, label) {
    const { label: best, probabilities } = this.classify(text);
    label ??= best;
    if (typeof label !== "string") throw new TypeError(`a label is a string, not ${kind(label)}`);
    if (!this.labels.includes(label)) throw new RangeError(`no label "${label}"; the model has ${this.labels.join(", ")}`);
    const others = this.labels.filter((name) => name !== label);
    const against = others.reduce((one, other) => (probabilities[other] > probabilities[one] ? other : one));
    const parts = this.#parts(text, label);
    if (others.length > 1) {
      this.#parts(text, against).forEach(({ effect }, place) => (parts[place].effect -= effect));
    }
    const logit = parts.reduce((sum, { effect }) => sum + effect, 0);
    const [{ effect: bias }] = parts.splice(parts.findIndex(({ kind }) => kind === "bias"), 1);
    return { label, against, logit, bias, parts };
  }

  /** Return the parts of a text with their effects on the logit of a label; two labels have one logit. */
  #parts(text, label) {
    const length = this.#write(text);
    const count = this.#wasm.explain(length, this.labels.indexOf(label));
    if (count < 0) throw new Error(string(this.#wasm, this.#wasm.error(count)));
    if (count === 0) throw new RangeError("out of memory");
    const numbers = new Float64Array(this.#wasm.memory.buffer, this.#wasm.parts(length) >>> 0, 4 * count);
    return Array.from({ length: count }, (_, place) => {
      const [kind, start, end, effect] = numbers.subarray(4 * place);
      return { kind: KINDS[kind], start, end, effect };
    });
  }

  /** Write a text into memory and return how many bytes of UTF-8 it has. */
  #write(text) {
    if (typeof text !== "string") throw new TypeError(`a text is a string, not ${kind(text)}`);
    // No UTF-16 unit takes more than three bytes; lone surrogates become U+FFFD.
    return ENCODER.encodeInto(text, reserve(this.#wasm, 3 * text.length)).written;
  }
}

/** Return what kind of value was given by mistake, for a message: "an Array". */
function kind(value) {
  if (value === null || value === undefined) return String(value);
  if (value === "") return "an empty string";
  const name = typeof value === "object" ? value.constructor?.name || "Object" : typeof value;
  return `${/^[aeio]/i.test(name) ? "an" : "a"} ${name}`;
}

/** Return memory to write `size` bytes into, at the place for the next block or text. */
function reserve(wasm, size) {
  const place = wasm.reserve(size) >>> 0;
  if (place === 0) throw new RangeError(`out of memory: cannot hold ${size} bytes`);
  return new Uint8Array(wasm.memory.buffer, place, size); // growing has replaced the buffer
}

/** Return the string that ends with a NUL at `place`. */
function string(wasm, place) {
  const bytes = new Uint8Array(wasm.memory.buffer, place >>> 0);
  return DECODER.decode(bytes.subarray(0, bytes.indexOf(0)));
}

let compiled;

/** Return the compiled module; all models share it. */
function compile() {
  compiled ??= request(new URL("edgetext.wasm", import.meta.url)).then(async (response) =>
    response.headers.get("content-type") === "application/wasm"
      ? WebAssembly.compileStreaming(response)
      : WebAssembly.compile(await response.arrayBuffer()),
  );
  compiled.catch(() => (compiled = undefined)); // the next call tries again
  return compiled;
}

/** Return the bytes of a URL, of a path in Node.js, or those given. */
async function read(source) {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (source?.byteLength >= 0) return new Uint8Array(source);
  if (source === "" || (typeof source !== "string" && !(source instanceof URL))) {
    throw new TypeError(`a model is a URL, a path or bytes, not ${kind(source)}`);
  }
  return new Uint8Array(await (await request(source)).arrayBuffer());
}

/** Return a response with the content of a URL or, in Node.js, of a path. */
async function request(source) {
  // Node.js does not fetch files. What this returns there cannot be imported: bundlers for browsers would look for it.
  const files = globalThis.process?.getBuiltinModule?.("node:fs/promises");
  const isFile = String(source).startsWith("file:") || !(globalThis.location || /^(https?|data|blob):/.test(source));
  try {
    if (files && isFile) {
      return new Response(await files.readFile(String(source).startsWith("file:") ? new URL(source) : source));
    }
    const response = await fetch(source);
    if (response.ok) return response;
    throw new Error(`${response.status} ${response.statusText}`);
  } catch (cause) {
    // Node.js says "ENOENT: no such file or directory, open 'model.etx'".
    throw new Error(`${source}: ${cause.message.replace(/^E[A-Z]+: |, .*/g, "")}`, { cause });
  }
}

/** Return the bytes of a model, which may be compressed with gzip. */
async function decompress(bytes, name) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const content = new Response(bytes.slice()).body.pipeThrough(new DecompressionStream("gzip"));
  const block = await new Response(content).arrayBuffer().catch((cause) => {
    throw new Error(`${name}the gzip file is damaged: ${cause.message}`, { cause });
  });
  return new Uint8Array(block);
}
