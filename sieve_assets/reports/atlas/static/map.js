/* atlas.Map: neurons placed by the meaning of their verified names. */
"use strict";
(() => {
  const { el, share, colour, neuronFile } = window.atlas;
  const HEIGHT = { least: 360, most: 680, below: 150 };
  const MAX_LABELS = 60;
  const MAX_LETTERS = 30;
  const LETTER_PX = 6.6;
  const LINE_PX = 16;
  const SETTLE_MS = 120;
  const CLICK_PX = 4;
  const LETTERS = { type: "text", dy: -12, fontSize: 12, fontWeight: 600, tooltip: null };
  const NARROW_PX = 600;
  const WORDS = [...window.atlas.VERDICTS, "none"];
  const COLOURS = ["--verified", "--refuted", "--ambiguous", "--untestable", "--soft"];
  const SHAPES = ["circle", "cross", "triangle-up", "square", "diamond"];

  function colouring(by) {
    if (by === "verdict") {
      return {
        color: { field: "verdict", type: "nominal", title: "Verdict", scale: { domain: WORDS, range: COLOURS.map(colour) } },
        shape: { field: "verdict", type: "nominal", title: "Verdict", scale: { domain: WORDS, range: SHAPES } },
      };
    }
    return { color: { field: "ar", type: "quantitative", title: "AR",
      scale: { zero: false, range: [colour("--low"), colour("--high")] },
      legend: { format: ".2~f", gradientLength: 140 } } };
  }

  /* Vega marks the objects it is given as its own. */
  const copied = (values) => values.map((value) => ({ ...value }));

  const place = (field) => ({ field, type: "quantitative", axis: null, scale: { domain: [-0.04, 1.04], nice: false, zero: false } });

  function specification(by, made) {
    const tooltip = [{ field: "neuron", title: "Neuron" }, { field: "name", title: "Name" }, { field: "rate", title: "AR" },
      { field: "verdict", title: "Verdict" }];
    const faint = { condition: { test: "datum.shown", value: 0.95 }, value: 0.1 };
    return {
      width: "container", height: Math.min(HEIGHT.most, Math.max(HEIGHT.least, window.innerHeight - HEIGHT.below)),
      config: { legend: { orient: window.innerWidth < NARROW_PX ? "bottom" : "right", ...(window.innerWidth < NARROW_PX && { columns: 3 }) } }, autosize: { type: "fit", contains: "padding" }, padding: 4,
      layer: [
        { data: { name: "points", values: copied(made) }, params: [{ name: "zoom", select: "interval", bind: "scales" }],
          mark: { type: "point", filled: true, size: 70, stroke: colour("--edge"), strokeWidth: 0.7, cursor: "pointer" },
          encoding: { x: place("x"), y: place("y"), opacity: faint, tooltip, ...colouring(by) } },
        { data: { name: "labels", values: [] },
          encoding: { x: place("x"), y: place("y"), text: { field: "text" } },
          layer: [{ mark: { ...LETTERS, stroke: colour("--card"), strokeWidth: 4, strokeJoin: "round", fill: colour("--card") } },
            { mark: { ...LETTERS, fill: colour("--ink") } }] },
      ],
    };
  }

  function points(rows, shown, digits) {
    const made = rows.filter((row) => typeof row.x === "number").map((row) => ({
      x: row.x, y: row.y, neuron: row.neuron, name: row.name ?? "no name", ar: row.ar, verdict: row.verdict ?? "none",
      rate: row.ar === null ? "no rate" : `${share(row.ar)} (${share(row.low)}–${share(row.high)})`,
      shown: shown.has(row.neuron), href: `neurons/${neuronFile(row.neuron, digits)}.html` }));
    return made.sort((a, b) => a.shown - b.shown);
  }

  const shortened = (text) => (text.length > MAX_LETTERS ? `${text.slice(0, MAX_LETTERS - 1)}…` : text);

  function median(values) {
    return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  }

  function candidates(made) {
    const byName = new Map();
    for (const point of made) {
      if (!point.shown || point.name === "no name") continue;
      if (!byName.has(point.name)) byName.set(point.name, []);
      byName.get(point.name).push(point);
    }
    return [...byName].map(([name, of]) => ({ text: shortened(name), count: of.length, x: median(of.map((p) => p.x)),
      y: median(of.map((p) => p.y)) })).sort((a, b) => b.count - a.count);
  }

  const overlaps = (a, b) => Math.abs(a.px - b.px) < (a.width + b.width) / 2 && Math.abs(a.py - b.py) < LINE_PX;

  /** The most frequent names' labels that do not overlap at the zoom of now. */
  function labels(made, view) {
    const [x, y] = [view.scale("x"), view.scale("y")];
    const kept = [];
    for (const label of candidates(made)) {
      const placed = { ...label, px: x(label.x), py: y(label.y), width: label.text.length * LETTER_PX + 12 };
      const isInside = placed.px > placed.width / 2 && placed.px < view.width() - placed.width / 2 && placed.py > LINE_PX
        && placed.py < view.height();
      if (isInside && !kept.some((other) => overlaps(placed, other))) kept.push(placed);
      if (kept.length >= MAX_LABELS) break;
    }
    return kept.map(({ text, x: at, y: height }) => ({ text, x: at, y: height }));
  }

  class NeuronMap {
    constructor(box, data) {
      Object.assign(this, { box, data, made: [], view: null, by: "ar", started: null, timer: 0 });
      this.hint = el("p", { class: "soft", role: "status" });
      this.chartBox = el("div", { class: "card map-box" });
      const reset = el("button", { type: "button", onclick: () => this.redraw?.() }, "Whole map");
      box.append(el("div", { class: "map-hint" }, this.hint, reset), this.chartBox);
      this.bindOpen();
    }

    bindOpen() {
      let from = null;
      this.chartBox.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY]; }, true);
      this.open = (event, item) => {
        const address = item?.datum?.href;
        const isDrag = from && Math.hypot(event.clientX - from[0], event.clientY - from[1]) > CLICK_PX;
        if (!address || isDrag) return;
        if (event.ctrlKey || event.metaKey) window.open(address, "_blank", "noopener");
        else location.href = address;
      };
      for (const type of ["wheel", "pointerup", "pointermove"]) {
        this.chartBox.addEventListener(type, (event) => { if (type !== "pointermove" || event.buttons) this.labelSoon(); });
      }
    }

    /** Shows the rows; those not among the items are faint. */
    async show(rows, items, state) {
      const shown = new Set(items.map(({ row }) => row.neuron));
      this.made = points(rows, shown, this.data.width_digits);
      this.say(rows.length, this.made.filter((point) => point.shown).length, state.by);
      const isOther = this.by !== state.colour;
      this.by = state.colour;
      if (!this.started) this.started = this.start();
      else if (isOther) await this.started.then(() => this.redraw());
      else if (this.view) this.fill();
      await this.started;
    }

    async start() {
      if (!this.made.length) return;
      const label = "Map of neurons by the meaning of their verified names. The grid lists the same neurons.";
      try {
        this.redraw = await window.atlas.chart(this.chartBox, () => specification(this.by, this.made), label,
          { renderer: "canvas", onView: (view) => this.onView(view) });
      } catch (error) {
        this.chartBox.replaceChildren(el("p", {}, `The map could not be drawn. ${error.message}`));
      }
    }

    onView(view) {
      this.view = view;
      view.addEventListener("click", this.open);
      this.label();
    }

    fill() {
      this.view.data("points", copied(this.made)).runAsync().then(() => this.label());
    }

    labelSoon() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.label(), SETTLE_MS);
    }

    label() {
      if (!this.view) return;
      this.view.data("labels", labels(this.made, this.view)).runAsync();
    }

    say(total, shown, by) {
      const placed = this.made.length;
      const without = (total - placed).toLocaleString("en");
      this.hint.textContent = placed
        ? `${shown.toLocaleString("en")} of ${placed.toLocaleString("en")} neurons on the map fit; ${without} have no verified name and are not on it. `
          + `Near names mean similar things${by ? " (places are by SIEVE’s names)" : ""}. `
          + "Drag to move, scroll to zoom, click to open; the grid lists the same neurons."
        : "No neuron of this target has a verified name, so there is no map.";
      this.chartBox.hidden = !placed;
    }
  }

  window.atlas.NeuronMap = NeuronMap;
})();
