/* The index of a target: its facts, and what ties address, filters, grid and map together. */
"use strict";
(async () => {
  const { atlas } = window;
  const { el, load, target, filters, toolbar, share } = atlas;
  const byId = (id) => document.getElementById(id);
  const path = (file) => `${target}/index/${file}`;
  const SAVE_MS = 250;

  const [data, others] = await Promise.all([
    load(path("neurons.js")),
    load(path("others.js")).catch(() => null),
  ]);
  let state = atlas.readQuery(filters.DEFAULTS);
  let words = null;
  let rows = [];
  let rowsBy = null;
  let saving = 0;
  let map = null;
  let shownOrder = "neuron";

  const grid = new atlas.Grid(byId("grid"), {
    address: (neuron) => `neurons/${atlas.neuronFile(neuron, data.width_digits)}.html`,
    file: (neuron) => atlas.neuronFile(neuron, data.width_digits),
    covered: () =>
      getComputedStyle(byId("toolbar")).position === "sticky" ? byId("toolbar").offsetHeight : 0,
  });

  function fact(called, value) {
    return el("div", {}, el("dt", {}, called), el("dd", {}, value));
  }

  function showFacts() {
    sayStale();
    const about = data.target;
    const { status, verdict } = data.neurons;
    const count = (code) => status.filter((other) => other === code).length.toLocaleString("en");
    byId("target-name").textContent = about.name;
    byId("crumb-target").textContent = about.name;
    document.title = `${about.name} · Neuron atlas`;
    byId("facts").replaceChildren(
      fact("Network", about.network),
      fact("Layer", about.layer),
      fact("Neurons", about.width.toLocaleString("en")),
      fact("Selected", count(data.statuses.indexOf("selected"))),
      fact("With a verified name", verdict.filter((code) => code === 0).length.toLocaleString("en")),
      fact("Mean AR, all names", share(about.initial_mean_ar)),
      fact("Mean AR, kept names", share(about.final_mean_ar)),
    );
    byId("made").replaceChildren(
      fact("Probe set", `${about.probe}, ${(about.n_probe_images ?? 0).toLocaleString("en")} images`),
      fact("Selected by", `rule ${about.rule}, β ${about.beta}`),
      fact("Concepts drawn", about.n_candidates ?? "–"),
      fact("Pictures a name", about.n_images),
      fact("Seed", about.seed),
      fact("Run", about.run_id),
      fact(
        "Made at",
        String(about.made_at ?? "–")
          .replace("T", " ")
          .slice(0, 16),
      ),
    );
  }

  function sayStale() {
    const stages = Object.keys(data.stale);
    if (!stages.length) return;
    const said = `Out of date: ${stages.join(", ")}. Settings, models or files have changed since; a new run brings these pages up to date.`;
    byId("facts").after(el("p", { class: "notice" }, said));
  }

  function rowsNow() {
    if (rowsBy === state.by) return rows;
    const names = state.by ? others?.names?.[state.by] : null;
    rows = filters.rows(data, names ?? null);
    rowsBy = state.by;
    return rows;
  }

  function saveSoon() {
    clearTimeout(saving);
    saving = setTimeout(save, SAVE_MS);
  }

  function save() {
    clearTimeout(saving);
    atlas.writeQuery(state, filters.DEFAULTS);
  }

  function say(items, cosines) {
    const total = rows.length.toLocaleString("en");
    byId("count").textContent =
      items.length === rows.length
        ? `${total} neurons`
        : `${items.length.toLocaleString("en")} of ${total} neurons`;
    byId("search-note").textContent = toolbar.searchNote(state.q, words, cosines);
    byId("empty").hidden = items.length > 0;
    byId("clear").disabled = !filters.isFiltered(state);
    byId("sort-similarity").disabled = !cosines;
    shownOrder = filters.order(state, cosines);
    byId("f-sort").value = shownOrder;
  }

  async function showMap(items) {
    map ??= new atlas.NeuronMap(byId("map"), data);
    await map.show(rows, items, state);
  }

  /** Shows what the state says. */
  function refresh() {
    rowsNow();
    const cosines = words && state.q.trim() ? filters.near(words, data, state.q) : null;
    const items = filters.shown(rows, state, cosines);
    for (const { note } of items) note.word = state.q.trim();
    say(items, cosines);
    toolbar.selectTab(state.view);
    byId("grid").classList.toggle(
      "has-notes",
      items.some(({ note }) => note.other || note.cosine !== undefined),
    );
    if (state.view === "map") showMap(items);
    else grid.show(items);
  }

  function set(next) {
    const isUntouched = state.sort === "" && next.sort === shownOrder;
    const sort = isUntouched ? "" : next.sort;
    state = { ...next, sort };
    toolbar.fill(state);
    refresh();
    saveSoon();
  }

  const clear = () => {
    const cleared = Object.fromEntries(filters.FILTERS.map((key) => [key, filters.DEFAULTS[key]]));
    set({ ...state, ...cleared });
    byId("f-q").focus();
  };

  async function wantWords() {
    const given = await load(path("words.js")).catch(() => null);
    if (!given || words) return;
    words = filters.lexicon(given);
    toolbar.suggest(words, byId("f-q").value);
    byId("f-q").addEventListener("input", () => toolbar.suggest(words, byId("f-q").value));
    if (state.q) refresh();
  }

  addEventListener("pagehide", save);
  document.addEventListener(
    "click",
    (event) => {
      if (event.target.closest?.("a")) save();
    },
    true,
  );
  showFacts();
  toolbar.offerExplainers(others?.explainers ?? []);
  if (state.by && !others?.names?.[state.by]) state.by = "";
  if (!["grid", "map"].includes(state.view)) state.view = "grid";
  toolbar.bind({ get: () => state, set, wantWords, clear });
  toolbar.fill(state);
  refresh();
  if (state.q) wantWords();
  load("targets.js").then(
    (targets) => {
      byId("report").hidden = !targets.find(({ folder }) => folder === target)?.has_report;
    },
    () => {},
  );
})().catch((error) => {
  const notice = document.getElementById("failed");
  notice.hidden = false;
  notice.textContent = `The data of this target could not be read. ${error.message}`;
});
