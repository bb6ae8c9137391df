/* atlas.chart: Vega-Lite charts in the theme of the atlas. Vega itself is loaded with the first chart. */
"use strict";
(() => {
  const { el, load, colour, onTheme } = window.atlas;

  function chartConfig() {
    const [ink, soft, line, accent] = ["--ink", "--soft", "--line", "--accent"].map(colour);
    const font = "system-ui, sans-serif";
    return {
      background: "transparent",
      font,
      view: { stroke: null },
      mark: { color: accent },
      axis: {
        labelColor: soft,
        titleColor: soft,
        gridColor: line,
        domainColor: soft,
        tickColor: soft,
        labelFontSize: 12,
        titleFontSize: 12,
        titleFontWeight: "normal",
      },
      legend: {
        labelColor: ink,
        titleColor: soft,
        labelFontSize: 12,
        titleFontSize: 12,
        titleFontWeight: "normal",
      },
      header: { labelColor: ink, titleColor: soft },
      title: { color: ink, fontSize: 13 },
      text: { color: ink },
      rule: { color: ink },
      range: {
        ramp: [colour("--low"), colour("--high")],
        heatmap: [colour("--low"), colour("--high")],
        category: ["--accent", "--ambiguous", "--verified", "--refuted", "--soft"].map(colour),
      },
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

  Object.assign(window.atlas, { vega, chart });
})();
