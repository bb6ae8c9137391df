/* A neuron's page: its distribution, where it is active, and what is known of it beside others. */
"use strict";
(() => {
  const { el, rate, share, verdict } = atlas;
  const target = atlas.target;
  const neuron = Number(location.pathname.match(/(\d+)\.html$/)?.[1]);

  /* Distribution (the paper's Fig. 3). */
  function distribution(bins) {
    const values = bins.counts.map((count, at) => ({ from: bins.edges[at], to: bins.edges[at + 1], count }));
    const marks = [
      { at: bins.median, what: "median" },
      { at: bins.p99, what: "T: 99th percentile" },
    ];
    return () => ({
      width: "container", height: 190, autosize: { type: "fit", contains: "padding" },
      layer: [
        {
          data: { values },
          transform: [{ calculate: `datum.to > ${bins.p99} ? 'above T' : 'below T'`, as: "side" }],
          mark: { type: "bar", binSpacing: 0.5, tooltip: true },
          encoding: {
            x: { field: "from", type: "quantitative", bin: "binned", title: "activation" },
            x2: { field: "to" },
            y: { field: "count", type: "quantitative", title: "probe images", scale: { type: "symlog" },
              axis: { values: [0, 1, 10, 100, 1000, 10000, 100000, 1000000], labelExpr: "format(datum.value, ',')" } },
            color: { field: "side", type: "nominal", legend: null,
              scale: { domain: ["below T", "above T"], range: [atlas.colour("--low"), atlas.colour("--high")] } },
            tooltip: [{ field: "from", format: ".3g" }, { field: "to", format: ".3g" }, { field: "count", format: "," }],
          },
        },
        {
          data: { values: marks },
          mark: { type: "rule", strokeWidth: 1.5 },
          encoding: {
            x: { field: "at", type: "quantitative" },
            strokeDash: { field: "what", type: "nominal", title: null, legend: { orient: "top", symbolSize: 300 },
              scale: { domain: marks.map((one) => one.what), range: [[4, 3], [1, 0]] } },
          },
        },
      ],
    });
  }

  function drawDistribution() {
    const place = document.getElementById("distribution");
    const bins = JSON.parse(document.getElementById("bins").textContent);
    return atlas.chart(place, distribution(bins), place.dataset.label);
  }

  /* Activation maps, over the part of the image that the network sees. */
  function paint(canvas) {
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(canvas.width, canvas.height);
    [...canvas.dataset.levels].forEach((digit, at) => {
      const level = parseInt(digit, 16) / 15;
      pixels.data.set([255 * Math.min(1, 2 * level), 230 * Math.max(0, 2 * level - 1), 60 * (1 - level), 40 + 190 * level], 4 * at);
    });
    context.putImageData(pixels, 0, 0);
  }

  function startMaps() {
    const box = document.getElementById("maps");
    if (!box) return;
    const maps = [...document.querySelectorAll("canvas.map")];
    const show = () => {
      for (const one of maps) {
        if (box.checked && one.hidden) paint(one);
        one.hidden = !box.checked;
      }
    };
    box.addEventListener("change", show);
    show();
  }

  /** A table that scrolls within itself, by keys too. */
  const table = (label, ...parts) =>
    el("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": label }, el("table", {}, ...parts));

  /* Beside other neurons and methods. */
  function shownName(index, of) {
    const name = index.neurons.name[of];
    if (name === null) return el("span", { class: "soft" }, "no name");
    const word = index.neurons.verdict[of] === null ? null : index.verdicts[index.neurons.verdict[of]];
    return el("span", {}, atlas.name(index.names[name][0]), " ", el("small", { class: "soft" }, word ?? "no verdict"));
  }

  function answering(box, index, rates) {
    const rows = (rates.rates[box.dataset.slug] ?? []).filter(([of]) => of !== neuron);
    const place = box.querySelector("div");
    if (!rows.length) {
      place.replaceChildren(el("p", { class: "soft" }, "No other neuron fires on its pictures."));
      return;
    }
    place.replaceChildren(el("ul", {}, rows.map(([of, ar, low, high]) => el("li", {},
      rate(ar, low, high),
      el("a", { href: atlas.neuronHref(target, of, index.width_digits) }, `neuron ${of}`),
      shownName(index, of)))));
  }

  function otherNames(others) {
    const called = (others?.explainers ?? []).map((one) => ({ ...one, found: others.names[one.id]?.[neuron] }));
    const given = called.filter((one) => one.found);
    if (!given.length) return;
    const hasTruth = given.some(({ found }) => typeof found[6] === "boolean");
    const row = ({ called: method, found: [text, slug, ar, low, high, word, isTrue] }) => el("tr", {},
      el("th", { scope: "row" }, method),
      el("td", {}, slug ? el("a", { href: atlas.conceptHref(slug) }, atlas.name(text)) : atlas.name(text)),
      el("td", {}, rate(ar, low, high)),
      el("td", {}, verdict(word)),
      hasTruth && el("td", {}, typeof isTrue === "boolean" ? (isTrue ? "true" : "not true") : "–"));
    const headings = ["Method", "Its first name", "AR on its pictures", "Verdict", ...(hasTruth ? ["Known truth"] : [])];
    document.getElementById("other-names").replaceChildren(table("What other methods call it",
      el("caption", {}, "Every method's first name, judged by the same pictures and rules"),
      el("thead", {}, el("tr", {}, headings.map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, given.sort((one, other) => (other.found[2] ?? -1) - (one.found[2] ?? -1)).map(row))));
    document.getElementById("others-box").hidden = false;
  }

  function madeWith(made) {
    const place = document.querySelector("#target-made > div");
    const short = (hash) => (hash ? el("code", { title: hash }, hash.slice(0, 8)) : "–");
    place.replaceChildren(
      table("Stages of the target as a whole",
        el("thead", {}, el("tr", {}, ["Stage", "Run", "When (UTC)", "Rows", "Settings", "Weights"].map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, made.stages.map((one) => el("tr", {}, el("th", { scope: "row" }, one.stage), el("td", {}, short(one.run_id)),
          el("td", {}, one.recorded_at.slice(0, 19)), el("td", { class: "number" }, one.n_rows), el("td", {}, short(one.settings_hash)),
          el("td", {}, short(one.weights_hash)))))),
      ...made.recipes.map(([stage, said]) => el("details", {}, el("summary", {}, `Settings of ${stage}`),
        el("pre", { class: "recipe", tabindex: "0" }, JSON.stringify(JSON.parse(said), null, 2)))));
  }

  /** Says what of this neuron is not as it would be made now; -1 stands for the target as a whole. */
  function sayStale(stale) {
    const stages = Object.keys(stale).filter((stage) => stale[stage].includes(neuron) || stale[stage].includes(-1));
    if (!stages.length) return;
    const said = `Out of date: ${stages.join(", ")}. Settings, models or files have changed since; a new run brings this page up to date.`;
    document.querySelector(".headline").after(el("p", { class: "notice" }, said));
  }

  const index = atlas.got(`${target}/neurons`);
  sayStale(index.stale);
  const rates = atlas.got(`${target}/rates`);
  startMaps();
  drawDistribution();
  for (const box of document.querySelectorAll(".answering")) answering(box, index, rates);
  otherNames(atlas.got(`${target}/others`));
  const made = document.getElementById("target-made");
  made.addEventListener("toggle", () => made.open && madeWith(atlas.got(`${target}/made_with`)), { once: true });
})();
