/* A concept's page: which neurons of every target fire most on its pictures. */
"use strict";
(async () => {
  const { el, load, name, share, verdict, verdictName, neuronHref } = window.atlas;
  const box = document.getElementById("rates");
  const slug = box.dataset.slug;

  /** What this concept is to a neuron: its verified name, a name that was tried, or nothing. */
  function role(data, neuron) {
    const tried = (data.tried[neuron] ?? []).filter(([index]) => data.names[index][1] === slug);
    const best = tried.find(([, code]) => verdictName(code) === "verified") ?? tried[0];
    if (!best) return { isName: false };
    return { isName: true, verdict: verdictName(best[1]) };
  }

  function shownName(data, neuron) {
    const index = data.neurons.name[neuron];
    if (index === null || index === undefined) return el("span", { class: "soft" }, "no name");
    return el("span", {}, name(data.names[index][0]), " ", el("span", { class: "small" }, verdict(data.neurons.verdict[neuron])));
  }

  function roleCell(data, neuron) {
    const known = role(data, neuron);
    if (!known.isName) return shownName(data, neuron);
    return el("span", {}, el("strong", {}, "this concept"), " ", el("span", { class: "small" }, verdict(known.verdict)));
  }

  /** A dot with its interval on an axis of 0 to 1. */
  function dot(ar, low, high, isName) {
    return el("span", { class: isName ? "dots is-name" : "dots", "aria-hidden": "true" },
      el("span", { class: "dots-line", style: { "--from": low ?? ar, "--to": high ?? ar } }),
      el("span", { class: "dots-dot", style: { "--ar": ar } }));
  }

  function row(target, data, [neuron, ar, low, high, active, n]) {
    const { isName } = role(data, neuron);
    return el("tr", { class: isName ? "is-name" : null },
      el("th", { scope: "row" }, el("a", { href: neuronHref(target.folder, neuron, data.width_digits) }, `#${neuron}`)),
      el("td", { class: "dots-cell" }, dot(ar, low, high, isName)),
      el("td", { class: "rate-cell" }, el("strong", {}, share(ar)), " ", el("span", { class: "soft small" }, `${share(low)}–${share(high)}`)),
      el("td", { class: "number" }, `${active} of ${n}`), el("td", {}, roleCell(data, neuron)));
  }

  function axis() {
    return el("span", { class: "dots-axis", "aria-hidden": "true" }, ["0", ".5", "1"].map((text) => el("span", {}, text)));
  }

  function table(target, data, rows) {
    const head = el("tr", {}, el("th", { scope: "col" }, "Neuron"),
      el("th", { scope: "col", class: "dots-cell" }, el("span", { class: "unseen" }, "AR as a dot with its interval"), axis()),
      el("th", { scope: "col" }, "AR"), el("th", { scope: "col", class: "number" }, "Fires on"), el("th", { scope: "col" }, "Its name"));
    return el("div", { class: "table-box", role: "region", tabindex: 0, "aria-label": `Neurons of ${target.name}` },
      el("table", {}, el("thead", {}, head), el("tbody", {}, rows.map((given) => row(target, data, given)))));
  }

  function summary(data, target) {
    const columns = data.tried.map((tried) => tried.some(([index, code]) => data.names[index][1] === slug && verdictName(code) === "verified"));
    const verified = columns.flatMap((isVerified, neuron) => (isVerified ? [neuron] : []));
    if (!verified.length) return el("p", {}, "It is the verified name of no neuron of this target.");
    const links = verified.slice(0, 40).flatMap((neuron, at) => [at ? ", " : "",
      el("a", { href: neuronHref(target.folder, neuron, data.width_digits) }, `#${neuron}`)]);
    return el("p", {}, `Verified name of ${verified.length} ${verified.length === 1 ? "neuron" : "neurons"}: `, links,
      verified.length > 40 && " …");
  }

  async function section(target) {
    const title = el("h3", {}, el("a", { href: window.atlas.href(`${encodeURI(target.folder)}/index.html`) }, name(target.name)),
      el("span", { class: "soft small" }, ` ${target.width.toLocaleString("en")} neurons`));
    try {
      const [data, rates] = await Promise.all(["neurons", "rates"].map((file) => load(`${target.folder}/index/${file}.js`)));
      const rows = rates.rates[slug];
      if (!rows?.length) return el("section", {}, title, el("p", { class: "soft" }, "Its neurons were not shown these pictures."));
      return el("section", {}, title, summary(data, target), table(target, data, rows));
    } catch (error) {
      return el("section", {}, title, el("p", { class: "notice" }, `The data could not be read. ${error.message}`));
    }
  }

  const back = document.getElementById("back");
  back.hidden = history.length < 2;
  back.addEventListener("click", () => history.back());
  const targets = await load("targets.js");
  box.replaceChildren(...(await Promise.all(targets.map(section))));
})().catch((error) => {
  const notice = document.getElementById("failed");
  notice.hidden = false;
  notice.textContent = `The rates could not be read. ${error.message}`;
});
