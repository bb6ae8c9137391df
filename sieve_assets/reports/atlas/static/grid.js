/* atlas.grid: cards of neurons, of which only those near the window are in the page. */
"use strict";
(() => {
  const { el, name, rate, ratio, verdict, share } = window.atlas;
  const GAP = 12;
  const NARROW = 600;
  const CARD = 206;

  function thumbnail(row, file) {
    if (!row.hasThumb)
      return el("span", { class: "thumb no-thumb" }, row.status === "dead" ? "never fires" : "no crops");
    return el("img", {
      class: "thumb",
      src: `neurons/${file}-small.webp`,
      loading: "lazy",
      decoding: "async",
      width: 192,
      height: 64,
      alt: `Three crops that neuron ${row.neuron} responds to`,
    });
  }

  /** How far the rate that a verdict goes by may be from AR before it is told on a card. */
  const TOLD = 0.2;

  function noteLine(row, note) {
    const parts = [];
    if (note.cosine !== undefined) parts.push("near: ", name(note.word), ` ${share(note.cosine)}`);
    if (note.other)
      parts.push(
        parts.length ? ", by " : "also tried: ",
        name(note.other.text),
        ` (${note.other.verdict ?? "no verdict"})`,
      );
    if (!parts.length && row.verdict === "verified" && row.matched - row.ar > TOLD)
      parts.push(`at matched T: AR ${share(row.matched)}`);
    return el("span", { class: "card-note" }, parts);
  }

  /** A card: all of it is one link to the neuron. */
  function card(item, address, file) {
    const { row, note } = item;
    return el(
      "a",
      { class: "neuron", href: address, "data-status": row.status, tabindex: -1 },
      thumbnail(row, file),
      el(
        "span",
        { class: "card-line" },
        el("span", { class: "card-number" }, `#${row.neuron}`),
        row.name !== null && verdict(row.verdict),
      ),
      el(
        "span",
        { class: "card-name", title: row.name },
        row.name === null ? el("span", { class: "soft no-name" }, "no name") : name(row.name),
      ),
      el("span", { class: "card-notes" }, noteLine(row, note)),
      row.name === null ? el("span", { class: "rate" }) : rate(row.ar, row.low, row.high),
      el(
        "span",
        { class: "card-line soft small" },
        el("span", {}, row.statusWord),
        el("span", {}, `ratio ${ratio(row.ratio, row.isSparse)}`),
      ),
    );
  }

  class Grid {
    /**
     * @param {HTMLElement} list element with role=list
     * @param {{address: function(number): string, file: function(number): string, covered: function(): number}} how
     *   `covered`: how many pixels of the window's top something sticky covers
     */
    constructor(list, how) {
      Object.assign(this, {
        list,
        how,
        items: [],
        cells: new Map(),
        active: 0,
        columns: 1,
        cellWidth: CARD,
        rowHeight: 198,
        margin: 0,
        shape: "",
      });
      this.virtualizer = new window.virtualCore.Virtualizer(this.options());
      this.virtualizer._didMount();
      list.addEventListener("keydown", (event) => this.onKey(event));
      list.addEventListener("focusin", (event) => this.onFocus(event));
      new ResizeObserver(() => this.layOut()).observe(list);
    }

    options() {
      const core = window.virtualCore;
      return {
        count: Math.ceil(this.items.length / this.columns),
        estimateSize: () => this.rowHeight,
        gap: GAP,
        overscan: 2,
        getScrollElement: () => window,
        scrollToFn: core.windowScroll,
        observeElementRect: core.observeWindowRect,
        observeElementOffset: core.observeWindowOffset,
        scrollMargin: this.margin,
        initialRect: { width: window.innerWidth, height: window.innerHeight },
        initialOffset: () => window.scrollY,
        onChange: () => this.render(),
      };
    }

    top() {
      return Math.round(this.list.getBoundingClientRect().top + window.scrollY);
    }

    /** Shows other items. */
    show(items) {
      this.items = items;
      this.active = Math.min(this.active, Math.max(0, items.length - 1));
      this.layOut(true);
    }

    clear() {
      this.list.replaceChildren();
      this.cells.clear();
    }

    /* Reads the layout before it changes the page, so that the browser lays out once. */
    layOut(isNew = false) {
      const width = this.list.clientWidth;
      if (!width) return;
      this.margin = this.top();
      const columns = width < NARROW ? 2 : Math.max(1, Math.floor((width + GAP) / (CARD + GAP)));
      const cellWidth = (width - GAP * (columns - 1)) / columns;
      const shape = `${cellWidth} ${this.list.className}`;
      if (isNew || shape !== this.shape) this.clear();
      Object.assign(this, { columns, cellWidth });
      this.update();
      if (shape !== this.shape && this.cells.size) this.measure(shape);
    }

    /* All cards are of one height, which only the shape changes. */
    measure(shape) {
      this.shape = shape;
      const height = this.cells.values().next().value.offsetHeight;
      if (height === this.rowHeight) return;
      this.rowHeight = height;
      this.update();
    }

    update() {
      this.virtualizer.setOptions(this.options());
      this.virtualizer.measure();
      this.virtualizer._willUpdate();
      this.list.style.height = `${Math.max(0, this.virtualizer.getTotalSize())}px`;
      this.render();
    }

    rowsInPage() {
      return this.virtualizer.getVirtualItems().map((item) => item.index);
    }

    render() {
      const rows = new Set(this.rowsInPage());
      const hasFocus = this.list.contains(document.activeElement);
      if (hasFocus) rows.add(Math.floor(this.active / this.columns));
      else if (!rows.has(Math.floor(this.active / this.columns)))
        this.active = Math.min(...rows) * this.columns || 0;
      for (const [position, cell] of this.cells)
        if (!rows.has(Math.floor(position / this.columns))) this.drop(position, cell);
      for (const row of rows) this.renderRow(row);
    }

    drop(position, cell) {
      cell.remove();
      this.cells.delete(position);
    }

    renderRow(row) {
      const end = Math.min(this.items.length, (row + 1) * this.columns);
      for (let position = row * this.columns; position < end; position += 1) {
        const cell = this.cells.get(position) ?? this.make(position);
        const [x, y] = [(position % this.columns) * (this.cellWidth + GAP), row * (this.rowHeight + GAP)];
        cell.style.transform = `translate(${x}px, ${y}px)`;
        cell.firstChild.tabIndex = position === this.active ? 0 : -1;
      }
    }

    make(position) {
      const { row } = this.items[position];
      const cell = el(
        "div",
        { role: "listitem", class: "cell", "aria-setsize": this.items.length, "aria-posinset": position + 1 },
        card(this.items[position], this.how.address(row.neuron), this.how.file(row.neuron)),
      );
      cell.dataset.position = position;
      cell.style.width = `${this.cellWidth}px`;
      this.cells.set(position, cell);
      const after = [...this.cells.keys()].filter((other) => other > position);
      this.list.insertBefore(cell, after.length ? this.cells.get(Math.min(...after)) : null);
      return cell;
    }

    onFocus(event) {
      const cell = event.target.closest(".cell");
      if (!cell) return;
      this.active = Number(cell.dataset.position);
      for (const [position, other] of this.cells)
        other.firstChild.tabIndex = position === this.active ? 0 : -1;
    }

    pageRows() {
      return Math.max(1, Math.floor((window.innerHeight - this.how.covered()) / (this.rowHeight + GAP)));
    }

    onKey(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || !this.items.length) return;
      const last = this.items.length - 1;
      const page = this.pageRows() * this.columns;
      const steps = {
        ArrowLeft: -1,
        ArrowRight: 1,
        ArrowUp: -this.columns,
        ArrowDown: this.columns,
        PageUp: -page,
        PageDown: page,
        Home: -this.active,
        End: last - this.active,
      };
      if (!(event.key in steps)) return;
      event.preventDefault();
      const wanted = this.active + steps[event.key];
      if (event.key === "ArrowUp" && wanted < 0) return;
      this.focus(Math.min(last, Math.max(0, wanted)));
    }

    /** Moves the focus to a card, which is brought into the window. */
    focus(position) {
      this.active = position;
      this.reveal(Math.floor(position / this.columns));
      this.renderRow(Math.floor(position / this.columns));
      this.cells.get(position)?.firstChild.focus({ preventScroll: true });
      this.render();
    }

    reveal(row) {
      const start = this.top() + row * (this.rowHeight + GAP) - this.how.covered() - GAP;
      const end = this.top() + row * (this.rowHeight + GAP) + this.rowHeight + GAP - window.innerHeight;
      if (window.scrollY > start) window.scrollTo({ top: start });
      else if (window.scrollY < end) window.scrollTo({ top: end });
    }
  }

  window.atlas.Grid = Grid;
})();
