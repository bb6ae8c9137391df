/* atlas.compareRules: what happened to names between two runs. No DOM. */
"use strict";
(() => {
  /** What can happen to a neuron, and to a concept, with a sign and what it means. */
  const NEURON = {
    kept: ["=", "both sides share a verified name"], changed: ["↔", "verified names on both sides, none in common"],
    lost: ["−", "a verified name left, none right"], gained: ["+", "none left, a verified name right"],
    neither: ["·", "no verified name on either side"],
  };
  const CONCEPT = {
    both: ["=", "a verified neuron on both sides"], left: ["−", "a verified neuron left only"],
    right: ["+", "a verified neuron right only"],
  };

  const verified = (run, neuron) => (run.names[neuron] ?? []).filter(([, verdict]) => verdict === "verified");

  function happened(left, right) {
    if (!left.length) return right.length ? "gained" : "neither";
    if (!right.length) return "lost";
    const texts = new Set(left.map(([text]) => text));
    return right.some(([text]) => texts.has(text)) ? "kept" : "changed";
  }

  /**
   * One row a neuron.
   * @param {Object} left entry of history.js
   * @param {Object} right entry of history.js
   * @param {number} width
   */
  function byNeuron(left, right, width) {
    return Array.from({ length: width }, (_, neuron) => {
      const sides = [verified(left, neuron), verified(right, neuron)];
      return { neuron, left: sides[0], right: sides[1], what: happened(...sides) };
    });
  }

  function neuronsByConcept(run) {
    const found = new Map();
    for (const neuron of Object.keys(run.names)) {
      for (const [text, , ar] of verified(run, neuron)) {
        if (!found.has(text)) found.set(text, []);
        found.get(text).push([Number(neuron), ar]);
      }
    }
    for (const neurons of found.values()) neurons.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    return found;
  }

  /** One row a concept that is a verified name on some side. */
  function byConcept(left, right) {
    const sides = [neuronsByConcept(left), neuronsByConcept(right)];
    const texts = [...new Set([...sides[0].keys(), ...sides[1].keys()])].sort(new Intl.Collator("en").compare);
    return texts.map((concept) => {
      const [before, after] = sides.map((side) => side.get(concept) ?? []);
      return { concept, left: before, right: after, what: !before.length ? "right" : after.length ? "both" : "left" };
    });
  }

  /** How many rows there are of each kind. */
  function counts(rows, kinds) {
    const counted = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, 0]));
    for (const { what } of rows) counted[what] += 1;
    return counted;
  }

  /**
   * The two sides compared unless the address says otherwise: a target's last two runs, else two targets.
   * @param {Array<{id: string, target: Object}>} runs newest first within a target
   */
  function standard(runs) {
    const twice = runs.find((run, at) => runs[at + 1]?.target === run.target);
    if (twice) return [runs[runs.indexOf(twice) + 1].id, twice.id];
    return [runs[0]?.id ?? "", runs[1]?.id ?? runs[0]?.id ?? ""];
  }

  window.atlas.compareRules = { NEURON, CONCEPT, byNeuron, byConcept, counts, standard };
})();
