/* The atlas's first page: a card a target. */
"use strict";
(async () => {
  const { el, load, href, name, share, neuronFile, neuronHref, ICONS, VERDICTS } = window.atlas;
  const EXAMPLES = 3;

  function counts(data) {
    const { status, verdict, name: shown } = data.neurons;
    const of = (code) => verdict.filter((other, neuron) => other === code && shown[neuron] !== null).length;
    return { neurons: status.length, selected: status.filter((code) => data.statuses[code] === "selected").length,
      named: shown.filter((index) => index !== null).length, verdicts: VERDICTS.map((word, code) => [word, of(code)]) };
  }

  const fact = (called, value) => el("div", {}, el("dt", {}, called), el("dd", {}, value));

  /** Shares of the shown names by verdict, as a bar and in words. */
  function verdictBar({ named, verdicts }) {
    const rest = named - verdicts.reduce((sum, [, count]) => sum + count, 0);
    const parts = [...verdicts, ["none", rest]].filter(([, count]) => count > 0);
    return el("div", {},
      el("div", { class: "stack", "aria-hidden": "true" },
        parts.map(([word, count]) => el("span", { "data-verdict": word, style: { "flex-grow": count } }))),
      el("ul", { class: "legend" }, parts.map(([word, count]) => el("li", { class: "verdict", "data-verdict": word },
        el("span", { "aria-hidden": "true" }, ICONS[word]), `${count.toLocaleString("en")} ${word === "none" ? "no verdict" : word}`))));
  }

  function links(target) {
    const folder = encodeURI(target.folder);
    return el("p", { class: "target-links" }, el("a", { class: "button main-button", href: href(`${folder}/index.html`) }, "Neurons"),
      el("a", { class: "button", href: href(`${folder}/index.html?view=map`) }, "Map"),
      target.has_report && el("a", { class: "button", href: href(`${folder}/report.html`) }, "Report"));
  }

  /** The neurons with the highest AR among the verified, each of another name. */
  function examples(data) {
    const columns = data.neurons;
    const fit = [...columns.status.keys()].filter((neuron) => columns.verdict[neuron] === 0 && columns.thumb[neuron]);
    fit.sort((a, b) => columns.ar[b] - columns.ar[a] || a - b);
    const byName = new Map();
    for (const neuron of fit) if (!byName.has(columns.name[neuron])) byName.set(columns.name[neuron], neuron);
    return [...byName].slice(0, EXAMPLES);
  }

  function exampleList(target, data) {
    const found = examples(data);
    if (!found.length) return [];
    const items = found.map(([index, neuron]) => el("li", {}, el("a", { href: neuronHref(target.folder, neuron, data.width_digits) },
      el("img", { src: href(`${encodeURI(target.folder)}/neurons/${neuronFile(neuron, data.width_digits)}-small.webp`), loading: "lazy",
        width: 192, height: 64, alt: `Three crops that neuron ${neuron} responds to` }),
      name(data.names[index][0]), el("span", { class: "soft" }, `#${neuron} · AR ${share(data.neurons.ar[neuron])}`))));
    return [el("h4", {}, "Surest names"), el("ul", { class: "examples" }, items)];
  }

  function figures(target, data) {
    const counted = counts(data);
    return [
      el("dl", { class: "facts" }, fact("Neurons", counted.neurons.toLocaleString("en")),
        fact("Selected", counted.selected.toLocaleString("en")), fact("Verified name", counted.verdicts[0][1].toLocaleString("en")),
        fact("Mean AR, kept", share(data.target.final_mean_ar))),
      el("h4", {}, "Names shown, by verdict"), verdictBar(counted), ...exampleList(target, data)];
  }

  function card(target) {
    const body = el("div", { class: "target-figures" }, el("p", { class: "soft" }, `${target.width.toLocaleString("en")} neurons`));
    load(`${target.folder}/index/neurons.js`).then((data) => body.replaceChildren(...figures(target, data)),
      () => body.append(el("p", { class: "notice" }, "The data of this target could not be read.")));
    return el("article", { class: "card target-card" },
      el("h3", {}, el("a", { href: href(`${encodeURI(target.folder)}/index.html`) }, name(target.name))),
      el("p", { class: "soft" }, name(target.network), " · layer ", name(target.layer)), body, links(target));
  }

  const targets = await load("targets.js");
  const box = document.getElementById("targets");
  if (targets.length) box.replaceChildren(...targets.map(card));
  else box.replaceChildren(el("p", { class: "notice" }, "There is no target yet."));
})().catch((error) => {
  const notice = document.getElementById("failed");
  notice.hidden = false;
  notice.textContent = `The list of targets could not be read. ${error.message}`;
});
