/* atlas.filters: which neurons the index shows, in which order. No DOM. */
"use strict";
(() => {
  /** The index's state and what it is unless the address says otherwise. */
  const DEFAULTS = {
    q: "",
    status: "",
    verdict: "",
    ar: 0,
    ratio: 0,
    by: "",
    sort: "",
    view: "grid",
    colour: "ar",
  };
  const FILTERS = ["q", "status", "verdict", "ar", "ratio"];
  const STATUS_WORDS = { dead: "dead", low_contrast: "low contrast", selected: "selected" };

  const named = (text, verdict) => ({ text, lower: text.toLocaleLowerCase("en"), verdict });

  function shownName(data, neuron) {
    const columns = data.neurons;
    const index = columns.name[neuron];
    if (index === null) return { name: null, verdict: null, ar: null, low: null, high: null };
    return {
      name: data.names[index][0],
      verdict: data.verdicts[columns.verdict[neuron]] ?? null,
      ar: columns.ar[neuron],
      low: columns.low[neuron],
      high: columns.high[neuron],
      matched: columns.matched[neuron],
    };
  }

  function otherName(data, given) {
    if (!given) return { name: null, verdict: null, ar: null, low: null, high: null };
    const [name, , ar, low, high, verdict] = given;
    return { name, ar, low, high, verdict: data.verdicts[verdict] ?? null };
  }

  function namesOf(data, neuron, shown, isOther) {
    const tried = isOther ? [] : (data.tried[neuron] ?? []);
    const names = tried.map(([index, verdict]) =>
      named(data.names[index][0], data.verdicts[verdict] ?? null),
    );
    const first = shown.name === null ? [] : [named(shown.name, shown.verdict)];
    return [...first, ...names.filter((name) => name.text !== shown.name)];
  }

  /**
   * One row a neuron.
   * @param {Object} data neurons.js
   * @param {Array|null} others names of another explainer, one a neuron; null for SIEVE's own
   */
  function rows(data, others) {
    const columns = data.neurons;
    return columns.status.map((status, neuron) => {
      const shown = others ? otherName(data, others[neuron]) : shownName(data, neuron);
      return {
        neuron,
        ...shown,
        status: data.statuses[status],
        statusWord: STATUS_WORDS[data.statuses[status]],
        ratio: columns.ratio[neuron],
        isSparse: Boolean(columns.is_sparse[neuron]),
        x: columns.x[neuron],
        y: columns.y[neuron],
        hasThumb: Boolean(columns.thumb[neuron]),
        names: namesOf(data, neuron, shown, Boolean(others)),
      };
    });
  }

  /**
   * The words of the concept set, ready to be looked up.
   * @param {Object} given words.js
   */
  function lexicon(given) {
    const lower = given.words.map((word) => word.toLocaleLowerCase("en"));
    return { words: given.words, near: given.near, lower, at: new Map(lower.map((word, at) => [word, at])) };
  }

  /**
   * The names near a word of the concept set.
   * @param {Object} words lexicon()
   * @param {Object} data neurons.js
   * @param {string} query
   * @returns {Map<string, number>|null} cosine by name; null where the query is no word of the set
   */
  function near(words, data, query) {
    const at = words.at.get(query.trim().toLocaleLowerCase("en"));
    if (at === undefined) return null;
    const flat = words.near[at] ?? [];
    const found = new Map();
    for (let i = 0; i + 1 < flat.length; i += 2) found.set(data.names[flat[i]][0], flat[i + 1] / 100);
    return found;
  }

  const isSure = (row, name) => name.text === row.name || name.verdict === "verified";

  function nearest(row, cosines) {
    const known = row.names.filter((name) => isSure(row, name) && cosines.has(name.text));
    if (!known.length) return null;
    return known
      .map((name) => ({ name, cosine: cosines.get(name.text) }))
      .sort((a, b) => b.cosine - a.cosine)[0];
  }

  /** Why a neuron matches a query: {} by its shown name or number, otherwise with what a card should say; or null. */
  function match(row, sought, cosines) {
    if (!sought) return {};
    const close = cosines && nearest(row, cosines);
    if (close) return { cosine: close.cosine, other: close.name.text === row.name ? null : close.name };
    if (String(row.neuron) === sought || row.names[0]?.lower.includes(sought)) return {};
    const other = row.names.find((name) => name.lower.includes(sought));
    return other ? { other } : null;
  }

  const ratioOf = (row) => row.ratio ?? (row.isSparse ? Infinity : -1);

  function passes(row, state) {
    if (state.status && row.status !== state.status) return false;
    if (state.verdict && (row.verdict ?? "none") !== state.verdict) return false;
    if (state.ar > 0 && !((row.ar ?? -1) >= state.ar)) return false;
    return !(state.ratio > 0 && ratioOf(row) < state.ratio);
  }

  const down = (value) => (a, b) => value(b) - value(a) || a.row.neuron - b.row.neuron;
  const byText = new Intl.Collator("en", { numeric: true });
  const ORDERS = {
    neuron: (a, b) => a.row.neuron - b.row.neuron,
    ar: down((item) => item.row.ar ?? -1),
    ratio: (a, b) => {
      const [left, right] = [ratioOf(a.row), ratioOf(b.row)];
      return left === right ? a.row.neuron - b.row.neuron : right > left ? 1 : -1;
    },
    name: (a, b) =>
      (a.row.name === null) - (b.row.name === null) ||
      byText.compare(a.row.name ?? "", b.row.name ?? "") ||
      a.row.neuron - b.row.neuron,
    similarity: down((item) => item.note.cosine ?? -1),
  };

  /** The order in use: by similarity where a word of the set is sought and nothing else was chosen. */
  function order(state, cosines) {
    if (state.sort === "similarity" && !cosines) return "neuron";
    return state.sort in ORDERS ? state.sort : cosines ? "similarity" : "neuron";
  }

  /**
   * What the index shows.
   * @param {Array} all rows()
   * @param {Object} state
   * @param {Map<string, number>|null} cosines near()
   * @returns {Array<{row: Object, note: Object}>}
   */
  function shown(all, state, cosines) {
    const sought = state.q
      .trim()
      .toLocaleLowerCase("en")
      .replace(/^#(?=\d+$)/, "");
    const items = [];
    for (const row of all) {
      const note = passes(row, state) && match(row, sought, cosines);
      if (note) items.push({ row, note });
    }
    return items.sort(ORDERS[order(state, cosines)]);
  }

  const isFiltered = (state) => FILTERS.some((key) => state[key] !== DEFAULTS[key]);

  window.atlas.filters = { DEFAULTS, FILTERS, STATUS_WORDS, lexicon, rows, near, shown, order, isFiltered };
})();
