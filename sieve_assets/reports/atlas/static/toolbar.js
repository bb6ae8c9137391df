/* atlas.toolbar: the index's search box, filters and tabs. */
"use strict";
(() => {
  const { el, share } = window.atlas;
  const MAX_SUGGESTIONS = 12;
  const byId = (id) => document.getElementById(id);
  const FIELDS = ["q", "status", "verdict", "ar", "ratio", "by", "sort", "colour"];
  const isTyping = (target) => target.closest?.("input, select, textarea, [contenteditable]") !== null;

  /** Suggests words of the concept set that begin with, or else contain, what is typed. */
  function suggest(words, query) {
    const sought = query.trim().toLocaleLowerCase("en");
    const scored = sought ? words.filter((word) => word.toLocaleLowerCase("en").includes(sought)) : words.slice(0, MAX_SUGGESTIONS);
    const begins = (word) => !word.toLocaleLowerCase("en").startsWith(sought);
    const best = scored.sort((a, b) => begins(a) - begins(b) || a.length - b.length).slice(0, MAX_SUGGESTIONS);
    byId("words").replaceChildren(...best.map((word) => el("option", { value: word })));
  }

  /** What was found how, in words. */
  function searchNote(query, words, cosines) {
    const text = query.trim();
    if (!text || !words) return "";
    if (cosines) return `“${text}” is in the concept set: neurons with names of near meaning are shown too, nearest first.`;
    return `“${text}” is not in the concept set, so names are found by their letters only.`;
  }

  /** Writes the state into the controls. */
  function fill(state) {
    for (const key of FIELDS) {
      const field = byId(`f-${key}`);
      field.value = key === "ratio" && !state.ratio ? "" : state[key];
      if (field.tagName === "SELECT" && field.selectedIndex < 0) field.value = "";
    }
    byId("ar-value").textContent = state.ar > 0 ? share(state.ar) : "any";
  }

  function read(state) {
    const values = Object.fromEntries(FIELDS.map((key) => [key, byId(`f-${key}`).value]));
    return { ...state, ...values, ar: Number(values.ar), ratio: Math.max(0, Number(values.ratio) || 0) };
  }

  /** Shows one of the two views and marks its tab. */
  function selectTab(view) {
    for (const tab of document.querySelectorAll("#tabs [role=tab]")) {
      const isChosen = tab.dataset.view === view;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = !isChosen;
    }
    byId("colour-field").hidden = view !== "map";
    byId("sort-field").hidden = view === "map";
  }

  function bindTabs(onView) {
    const tabs = [...document.querySelectorAll("#tabs [role=tab]")];
    for (const tab of tabs) tab.addEventListener("click", () => onView(tab.dataset.view));
    byId("tabs").addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
      onView(next.dataset.view);
      next.focus();
    });
  }

  function bindKeys(search, onClearSearch) {
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      search.focus();
      search.select();
    });
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !search.value) return;
      event.preventDefault();
      onClearSearch();
    });
  }

  /** Wide windows always show the filters; narrow ones fold them. */
  function foldFilters() {
    const wide = matchMedia("(min-width: 760px)");
    const fit = () => { byId("more").open = wide.matches; };
    wide.addEventListener("change", fit);
    fit();
  }

  /**
   * Ties the controls to functions of the index.
   * @param {{get: function(): Object, set: function(Object): void, wantWords: function(): void, clear: function(): void}} index
   */
  function bind(index) {
    const form = byId("toolbar");
    form.addEventListener("input", () => index.set(read(index.get())));
    form.addEventListener("submit", (event) => event.preventDefault());
    byId("f-q").addEventListener("focus", () => index.wantWords(), { once: true });
    for (const button of document.querySelectorAll("[data-clear]")) button.addEventListener("click", index.clear);
    bindTabs((view) => index.set({ ...index.get(), view }));
    bindKeys(byId("f-q"), () => index.set({ ...index.get(), q: "" }));
    foldFilters();
  }

  /** Offers other explainers' names where there are some. */
  function offerExplainers(explainers) {
    byId("f-by").append(...explainers.map(({ id, called }) => el("option", { value: id }, called)));
    byId("by-field").hidden = explainers.length === 0;
  }

  window.atlas.toolbar = { bind, fill, suggest, searchNote, selectTab, offerExplainers };
})();
