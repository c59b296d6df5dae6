/** What a model says about a text. */
export interface Prediction {
  /** The most probable label; of equal ones the first. */
  label: string;
  /** The probability of `label`. */
  score: number;
  /** The probability of each label. */
  probabilities: Record<string, number>;
  /** The share of the text's words that the model knows, 0 to 1; 0 for a text without words. */
  known: number;
}

/** A part of a text with its effect. */
export interface Part {
  /** `"characters"` are those of an unknown word, or of a run of letters that are words of their own. */
  kind: "word" | "unknown" | "pair" | "triple" | "characters" | "beginning";
  /** Index of its first UTF-16 unit: its text is `text.slice(start, end)`. */
  start: number;
  end: number;
  /** What it adds to the logit; above 0 it speaks for the label. */
  effect: number;
}

/** Why a text gets a label rather than another one. */
export interface Explanation {
  /** The label that is explained. */
  label: string;
  /** The label that it is compared with. */
  against: string;
  /** The logarithm of the quotient of their probabilities. */
  logit: number;
  /** What the model adds to every text. */
  bias: number;
  /** All parts that the model read. Their effects and `bias` add up to `logit`, except for rounding. */
  parts: Part[];
}

/** One model. It keeps its memory as long as it is referenced; there is nothing to close. */
export class Classifier {
  private constructor();

  /** The labels, in the order of the model. */
  readonly labels: readonly string[];

  /**
   * Load a model that `python export/to_c.py` wrote, compressed with gzip or not.
   *
   * @param source Its URL, its bytes, or in Node.js its path. A relative URL is relative to the page or worker.
   * @throws TypeError If it is none of these.
   * @throws Error If it cannot be read, or is damaged or no model.
   */
  static load(source: string | URL | ArrayBufferLike | ArrayBufferView): Promise<Classifier>;

  /** Return the most probable label of a text, its probability and more. */
  classify(text: string): Prediction;

  /**
   * Explain why a text gets a label, by default the most probable one, rather than the most probable other one.
   *
   * @throws RangeError If the model has no such label.
   * @throws Error If the model has no weights of words (preset `tutorial`).
   */
  explain(text: string, label?: string): Explanation;
}
