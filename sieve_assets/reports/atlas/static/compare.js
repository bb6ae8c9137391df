/* The compare page: two runs, targets or checkpoints side by side. */
"use strict";
(async () => {
  const { atlas } = window;
  const { el, load, name, share, neuronHref, conceptHref } = atlas;
  const rules = atlas.compareRules;
  const byId = (id) => document.getElementById(id);
  const DEFAULTS = { left: "", right: "", how: "", only: "", page: 1 };
  const PAGE = 100;
  const MAX_NEURONS = 12;
  let state = atlas.readQuery(DEFAULTS);
  let drawn = 0;

  const when = (text) => String(text ?? "").replace("T", " ").slice(0, 16);

  async function readRuns() {
    const targets = await load("targets.js");
    const histories = await Promise.all(targets.map((target) => load(`${target.folder}/index/history.js`).catch(() => [])));
    return targets.flatMap((target, at) => histories[at].map((run) => ({ id: `${target.folder}@${run.run_id}`, target, run })));
  }

  const runs = await readRuns();
  const found = (id) => runs.find((run) => run.id === id);

  function fillSelect(select) {
    const targets = [...new Set(runs.map(({ target }) => target))];
    select.replaceChildren(...targets.map((target) => el("optgroup", { label: target.name },
      runs.filter((run) => run.target === target).map(({ id, run }, at) =>
        el("option", { value: id }, `${target.name}, ${when(run.recorded_at)}${at ? "" : " (newest)"} · ${String(run.run_id).slice(0, 8)}`)))));
  }

  /** The state with what it leaves open filled in. */
  function settled() {
    const [left, right] = rules.standard(runs);
    const sides = { left: found(state.left) ?? found(left), right: found(state.right) ?? found(right) };
    const canByNeuron = sides.left.target.width === sides.right.target.width;
    const isSame = sides.left.target === sides.right.target;
    const wanted = state.how || (isSame ? "neuron" : "concept");
    return { ...sides, canByNeuron, isSame, how: canByNeuron ? wanted : "concept" };
  }

  const neuronLink = (side, data, neuron, text) => el("a", { href: neuronHref(side.target.folder, neuron, data.width_digits) }, text);

  function nameCell(names, slugs) {
    if (!names.length) return el("span", { class: "soft" }, "–");
    return el("ul", { class: "plain-list" }, names.map(([text, , ar]) => el("li", {},
      slugs.has(text) ? el("a", { href: conceptHref(slugs.get(text)) }, name(text)) : name(text), " ",
      el("span", { class: "soft small" }, "AR ", share(ar)))));
  }

  function neuronsCell(side, data, neurons) {
    if (!neurons.length) return el("span", { class: "soft" }, "–");
    const links = neurons.slice(0, MAX_NEURONS).flatMap(([neuron, ar], at) => [at ? ", " : "",
      neuronLink(side, data, neuron, `#${neuron}`), el("span", { class: "soft small" }, ` ${share(ar)}`)]);
    return el("span", {}, links, neurons.length > MAX_NEURONS && ` and ${neurons.length - MAX_NEURONS} more`);
  }

  function whatCell(what, kinds) {
    return el("span", { class: "what", "data-what": what, title: kinds[what][1] }, el("span", { "aria-hidden": "true" }, kinds[what][0]),
      ` ${what === "left" || what === "right" ? `only ${what}` : what}`);
  }

  function numberCell(now, datas, neuron) {
    if (now.isSame) return neuronLink(now.right, datas[1], neuron, `#${neuron}`);
    return el("span", {}, `#${neuron} `, neuronLink(now.left, datas[0], neuron, "left"), " ", neuronLink(now.right, datas[1], neuron, "right"));
  }

  function tableRow(row, now, datas, kinds, slugs) {
    if (now.how === "neuron") {
      return el("tr", {}, el("th", { scope: "row" }, numberCell(now, datas, row.neuron)), el("td", {}, whatCell(row.what, kinds)),
        el("td", {}, nameCell(row.left, slugs)), el("td", {}, nameCell(row.right, slugs)));
    }
    const concept = slugs.has(row.concept) ? el("a", { href: conceptHref(slugs.get(row.concept)) }, name(row.concept)) : name(row.concept);
    return el("tr", {}, el("th", { scope: "row" }, concept), el("td", {}, whatCell(row.what, kinds)),
      el("td", {}, neuronsCell(now.left, datas[0], row.left)), el("td", {}, neuronsCell(now.right, datas[1], row.right)));
  }

  function summary(rows, kinds) {
    const counted = rules.counts(rows, kinds);
    const button = (what, count, label, title) => el("button", { type: "button", class: "what-filter", "data-what": what || "all",
      "aria-pressed": String(state.only === what), title, onclick: () => set({ only: what, page: 1 }) },
      el("strong", {}, count.toLocaleString("en")), ` ${label}`);
    byId("summary").replaceChildren(button("", rows.length, "all", null),
      ...Object.entries(kinds).map(([what, [sign, meaning]]) =>
        button(what, counted[what], `${sign} ${what === "left" || what === "right" ? `only ${what}` : what}`, meaning)));
    byId("meaning").textContent = state.only ? `${state.only === "left" || state.only === "right" ? `Only ${state.only}` : state.only}: ${kinds[state.only][1]}.` : "";
  }

  function pager(total) {
    const pages = Math.max(1, Math.ceil(total / PAGE));
    const page = Math.min(pages, Math.max(1, Math.round(state.page)));
    byId("pager").hidden = pages === 1;
    byId("page-of").textContent = `Page ${page} of ${pages}`;
    byId("before").disabled = page === 1;
    byId("after").disabled = page === pages;
    return page;
  }

  function side(word, { target, run }) {
    return `${word}: ${target.name}, ${when(run.recorded_at)}`;
  }

  function drawTable(rows, now, datas, kinds) {
    const slugs = new Map(datas.flatMap((data) => data.names));
    const kept = state.only ? rows.filter(({ what }) => what === state.only) : rows;
    const page = pager(kept.length);
    const heads = [now.how === "neuron" ? "Neuron" : "Concept", "What happened", side("Left", now.left), side("Right", now.right)];
    const body = kept.slice((page - 1) * PAGE, page * PAGE).map((row) => tableRow(row, now, datas, kinds, slugs));
    byId("rows").replaceChildren(kept.length
      ? el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, body))
      : el("p", { class: "soft table-empty" }, "Nothing to show here."));
  }

  function drawControls(now) {
    byId("left").value = now.left.id;
    byId("right").value = now.right.id;
    byId("how").value = now.how;
    byId("how-neuron").disabled = !now.canByNeuron;
    const isSelf = now.left === now.right;
    byId("hint").textContent = isSelf ? "Both sides are the same run: choose another one to compare with."
      : !now.canByNeuron ? "The targets have different widths, so they are compared by concept."
        : !now.isSame && now.how === "neuron" ? "These are different targets: neurons of the same number need not mean the same." : "";
  }

  async function draw() {
    const now = settled();
    const mine = (drawn += 1);
    const kinds = now.how === "neuron" ? rules.NEURON : rules.CONCEPT;
    if (state.only && !(state.only in kinds)) state.only = "";
    drawControls(now);
    const datas = await Promise.all([now.left, now.right].map(({ target }) => load(`${target.folder}/index/neurons.js`)));
    if (mine !== drawn) return;
    const rows = now.how === "neuron" ? rules.byNeuron(now.left.run, now.right.run, now.left.target.width)
      : rules.byConcept(now.left.run, now.right.run);
    summary(rows, kinds);
    drawTable(rows, now, datas, kinds);
  }

  function set(change) {
    state = { ...state, ...change };
    atlas.writeQuery(state, DEFAULTS);
    return draw().catch(fail);
  }

  function bind() {
    for (const id of ["left", "right"]) {
      fillSelect(byId(id));
      byId(id).addEventListener("change", () => set({ [id]: byId(id).value, page: 1 }));
    }
    byId("how").addEventListener("change", () => set({ how: byId("how").value, only: "", page: 1 }));
    byId("swap").addEventListener("click", () => {
      const now = settled();
      set({ left: now.right.id, right: now.left.id, page: 1 });
    });
    for (const [id, step] of [["before", -1], ["after", 1]]) {
      byId(id).addEventListener("click", () => set({ page: Math.max(1, state.page + step) })
        .then(() => byId("rows").scrollIntoView({ block: "start" })));
    }
  }

  function fail(error) {
    byId("failed").hidden = false;
    byId("failed").textContent = `The data could not be read. ${error.message}`;
  }

  byId("too-few").hidden = runs.length > 1;
  byId("comparison").hidden = runs.length < 2;
  if (runs.length < 2) return;
  bind();
  await draw();
})().catch((error) => {
  const notice = document.getElementById("failed");
  notice.hidden = false;
  notice.textContent = `The data could not be read. ${error.message}`;
});
