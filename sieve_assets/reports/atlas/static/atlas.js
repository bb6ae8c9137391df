/* window.atlas: what all pages of the neuron atlas share. */
"use strict";
(() => {
  const page = document.documentElement.dataset;
  const root = page.root || ".";
  const VERDICTS = ["verified", "refuted", "ambiguous", "untestable"];
  const ICONS = { verified: "✓", refuted: "✕", ambiguous: "?", untestable: "–", none: "·" };
  const THEMES = { system: ["◐", "System"], light: ["○", "Light"], dark: ["●", "Dark"] };
  const STORED = "atlas-theme";

  /* Data scripts. */
  const byKey = new Map();
  const byAddress = new Map();
  const loads = new Map();

  /** The address of a path that is relative to the atlas's folder. */
  const href = (path) => `${root}/${path}`;
  const absolute = (path) => new URL(href(path), document.baseURI).href;

  /**
   * Called by data scripts: keeps a value by its key and by the address of the script.
   * @param {string} key
   * @param {any} value
   */
  function put(key, value) {
    byKey.set(key, value);
    if (document.currentScript?.src) byAddress.set(document.currentScript.src, value);
  }

  /** What a data script of this page has put under a key; undefined where none has. */
  const got = (key) => byKey.get(key);

  function insert(source) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = () => resolve();
      script.onerror = () => reject(new Error(`${source} could not be read.`));
      document.head.append(script);
    });
  }

  /**
   * The value that a data script puts; each script is read once.
   * @param {string} path relative to the atlas's folder
   * @returns {Promise<any>}
   */
  function load(path) {
    const source = absolute(path);
    if (byAddress.has(source)) return Promise.resolve(byAddress.get(source));
    if (!loads.has(source)) loads.set(source, insert(source).then(() => byAddress.get(source)));
    return loads.get(source);
  }

  /* Elements. */
  function setAttribute(element, name, value) {
    if (value === null || value === undefined || value === false) return;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, part] of Object.entries(value)) element.style.setProperty(key, part);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }

  /**
   * An element; strings among the children are text, never markup.
   * @param {string} tag
   * @param {Object<string, any>} attributes `on…` are listeners, `style` an object; null and false are left out
   * @param {...(Node|string|number|null|Array)} children null and false are left out
   * @returns {HTMLElement}
   */
  function el(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
    for (const [name, value] of Object.entries(attributes ?? {})) setAttribute(element, name, value);
    return element;
  }

  /** A name in any script and direction. */
  const name = (text) => el("bdi", { class: "name" }, text);

  /** A share as text: .96, 1.00; an en dash where there is none. */
  const share = (value) => (value === null || value === undefined ? "–" : value.toFixed(2).replace(/^0\./, "."));

  /** A ratio as text; null of a sparse neuron is infinite. */
  function ratio(value, isSparse) {
    if (value === null || value === undefined) return isSparse ? "∞" : "–";
    return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
  }

  function bar(ar, low, high) {
    const hasInterval = typeof low === "number" && typeof high === "number";
    return el("span", { class: "rate-bar", "aria-hidden": "true", style: { "--ar": ar } },
      el("span", { class: "rate-fill" }),
      hasInterval && el("span", { class: "rate-whisker", style: { "--from": low, "--to": high } }));
  }

  /**
   * An activation rate: bar, number and interval.
   * @param {number|null} ar share of 0 to 1
   * @param {number|null} low
   * @param {number|null} high
   * @returns {HTMLElement}
   */
  function rate(ar, low, high) {
    if (typeof ar !== "number") return el("span", { class: "rate soft" }, "no rate");
    const hasInterval = typeof low === "number" && typeof high === "number";
    return el("span", { class: "rate" }, bar(ar, low, high),
      el("span", { class: "rate-number" }, el("span", { class: "unseen" }, "AR "), share(ar)),
      hasInterval && el("span", { class: "rate-interval" }, `${share(low)}–${share(high)}`));
  }

  const verdictName = (code) => (typeof code === "number" ? VERDICTS[code] : code) ?? "none";

  /**
   * A verdict as icon and word.
   * @param {number|string|null} code index or word; null where a name has no verdict
   * @returns {HTMLElement}
   */
  function verdict(code) {
    const word = verdictName(code);
    return el("span", { class: "verdict", "data-verdict": word },
      el("span", { class: "verdict-icon", "aria-hidden": "true" }, ICONS[word] ?? ICONS.none),
      word === "none" ? "no verdict" : word);
  }

  /**
   * One picture of a sheet.
   * @param {string} sheet address relative to the page
   * @param {{columns: number, rows: number, at: number, label: string, fires?: boolean}} where
   */
  function tile(sheet, { columns, rows, at, label, fires = false }) {
    const url = `url("${new URL(sheet, document.baseURI).href}")`;
    return el("div", { role: "img", "aria-label": label, class: fires ? "tile fires" : "tile",
      style: { "--sheet": url, "--columns": columns, "--rows": rows, "--at": at } });
  }

  /** Addresses of a neuron's and of a concept's page. */
  const neuronFile = (neuron, digits) => String(neuron).padStart(digits ?? 4, "0");
  const neuronHref = (folder, neuron, digits) => href(`${folder}/neurons/${neuronFile(neuron, digits)}.html`);
  const conceptHref = (slug) => href(`concepts/${encodeURIComponent(slug)}.html`);

  /* State in the address's query. */
  function readQuery(defaults) {
    const given = new URLSearchParams(location.search);
    const read = (key, standard) => {
      const text = given.get(key);
      if (text === null) return standard;
      return typeof standard === "number" ? (Number.isFinite(Number(text)) ? Number(text) : standard) : text;
    };
    return Object.fromEntries(Object.entries(defaults).map(([key, standard]) => [key, read(key, standard)]));
  }

  function writeQuery(state, defaults) {
    const query = new URLSearchParams();
    for (const key of Object.keys(defaults)) if (state[key] !== defaults[key]) query.set(key, state[key]);
    const text = query.toString();
    history.replaceState(history.state, "", `${location.pathname}${text ? `?${text}` : ""}${location.hash}`);
  }

  /* Theme. */
  const watchers = [];
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => (page.theme in THEMES ? page.theme : "system");

  /** Whether the page is dark now. */
  const isDark = () => theme() === "dark" || (theme() === "system" && systemDark.matches);

  /** Calls a function after every change of the theme. */
  const onTheme = (watcher) => watchers.push(watcher);
  const tellTheme = () => watchers.forEach((watcher) => watcher());

  function setTheme(chosen) {
    page.theme = chosen;
    try {
      localStorage.setItem(STORED, chosen);
    } catch { /* The browser may deny storage: the choice then holds for this page. */ }
    tellTheme();
  }

  function startTheme(button) {
    if (!button) return;
    const label = () => {
      const [sign, word] = THEMES[theme()];
      button.replaceChildren(sign, el("span", { class: "theme-word" }, ` ${word}`));
      button.setAttribute("aria-label", `Theme: ${theme()}. Change it`);
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      const order = Object.keys(THEMES);
      setTheme(order[(order.indexOf(theme()) + 1) % order.length]);
    });
    onTheme(label);
    label();
  }
  systemDark.addEventListener("change", tellTheme);

  /** The value of a colour of atlas.css in the theme of now, e.g. colour("--ink"). */
  function colour(variable) {
    const probe = el("span", { hidden: true, style: { color: `var(${variable})` } });
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  /* Charts. */
  function chartConfig() {
    const [ink, soft, line, accent] = ["--ink", "--soft", "--line", "--accent"].map(colour);
    const font = "system-ui, sans-serif";
    return {
      background: "transparent", font, view: { stroke: null }, mark: { color: accent },
      axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: soft, tickColor: soft,
        labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
      legend: { labelColor: ink, titleColor: soft, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
      header: { labelColor: ink, titleColor: soft }, title: { color: ink, fontSize: 13 },
      text: { color: ink }, rule: { color: ink }, range: { ramp: [colour("--low"), colour("--high")],
        heatmap: [colour("--low"), colour("--high")],
        category: ["--accent", "--ambiguous", "--verified", "--refuted", "--soft"].map(colour) },
    };
  }

  async function vega() {
    if (!window.vegaEmbed) await load("assets/vega.js");
    return window.vegaEmbed;
  }

  /**
   * Draws a Vega-Lite specification with the atlas's theme, and again after every change of the theme.
   * @param {HTMLElement} element
   * @param {Object|function(): Object} spec a function where colours depend on the theme
   * @param {string} label what the chart shows, in words
   * @param {{renderer?: "svg"|"canvas", onView?: function(Object)}} options `onView` gets every new Vega view
   * @returns {Promise<function(): Promise>} draws it again
   */
  async function chart(element, spec, label, { renderer = "svg", onView = () => {} } = {}) {
    const embed = await vega();
    const box = el("div", { role: "img", "aria-label": label, class: "chart" });
    element.replaceChildren(box);
    let shown = null;
    let last = Promise.resolve();
    const draw = async () => {
      shown?.finalize();
      const made = typeof spec === "function" ? spec() : spec;
      shown = await embed(box, made, { actions: false, renderer, config: chartConfig(), ast: false });
      box.classList.remove("vega-embed");
      onView(shown.view);
    };
    const redraw = () => (last = last.then(draw));
    onTheme(redraw);
    await redraw();
    return redraw;
  }

  window.atlas = {
    put, got, load, href, root, target: page.target ?? null, el, name, share, ratio, rate, verdict, verdictName, tile,
    neuronFile, neuronHref, conceptHref, readQuery, writeQuery, isDark, onTheme, colour, vega, chart, VERDICTS, ICONS,
  };
  startTheme(document.getElementById("theme"));
})();
