// Score the cases of golden.json, which conftest.py writes. Return how many probabilities differ from what they should be, by
// more than `tolerance`, and how many were compared.
export async function compare(Classifier, cases, folder, tolerance) {
  const models = new Map();
  const found = { wrong: [], compared: 0 };
  for (const { model, text, probabilities, known } of cases) {
    if (!models.has(model)) models.set(model, await Classifier.load(`${folder}/${model}`));
    const prediction = models.get(model).classify(text);
    const expected = [...Object.entries(probabilities), ["known", known]];
    for (const [name, value] of expected) {
      const answer = name === "known" ? prediction.known : prediction.probabilities[name];
      if (!(Math.abs(answer - value) <= tolerance)) found.wrong.push({ model, text, name, value, answer });
      found.compared++;
    }
  }
  return found;
}
