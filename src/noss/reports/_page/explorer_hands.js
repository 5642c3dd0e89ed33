// Hands on a map: mouse, wheel, touch, pen and keys.

let tool = "move";

function useTool(name) {
  tool = name;
  for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === name));
  for (const canvas of document.querySelectorAll("canvas[role]")) canvas.classList.toggle("draws", name === "lasso");
}

class Hands {
  constructor(sky, { pick, brush, hover, toggle }) {
    Object.assign(this, { sky, pick, brush, hover, toggle });
    this.fingers = new Map();
    const { canvas } = sky;
    const on = (name, what, options) => canvas.addEventListener(name, what.bind(this), options);
    on("pointerdown", this.down);
    on("pointermove", this.drag);
    on("pointerup", this.up);
    on("pointercancel", this.up);
    on("pointerleave", () => this.fingers.size || this.hover(-1));
    on("wheel", this.wheel, { passive: false });
    on("keydown", this.key);
    for (const button of sky.figure.querySelectorAll("[data-tool]")) button.addEventListener("click", () => useTool(button.dataset.tool));
    for (const button of sky.figure.querySelectorAll("[data-zoom]")) {
      const by = Number(button.dataset.zoom);
      button.addEventListener("click", () => (by ? sky.zoom(by) : sky.fit()));
    }
  }

  place(event) {
    const box = this.sky.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  down(event) {
    if (event.button > 0) return;
    this.sky.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, this.place(event));
    this.start = this.fingers.size === 1 ? this.place(event) : null;
    const draws = this.fingers.size === 1 && (tool === "lasso" || event.shiftKey);
    this.sky.lasso = draws ? [this.place(event)] : null;
  }

  drag(event) {
    const here = this.place(event);
    const before = this.fingers.get(event.pointerId);
    if (!before) {
      this.hover(this.sky.at(...here, 12), here);
      return;
    }
    if (this.start && Math.hypot(here[0] - this.start[0], here[1] - this.start[1]) > 5) this.start = null;
    if (this.fingers.size === 2) this.pinch(event.pointerId, before, here);
    else if (this.sky.lasso) this.sky.lasso.push(here), this.sky.soon();
    else if (!this.start) this.sky.move(here[0] - before[0], here[1] - before[1]);
    if (this.sky.lasso || !this.start) this.fingers.set(event.pointerId, here);
  }

  pinch(finger, before, here) {
    const other = [...this.fingers].find(([id]) => id !== finger)[1];
    const far = (a, b) => Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1]));
    this.sky.zoom(far(here, other) / far(before, other), (here[0] + other[0]) / 2, (here[1] + other[1]) / 2);
    this.sky.move((here[0] - before[0]) / 2, (here[1] - before[1]) / 2);
    this.start = this.sky.lasso = null;
    this.fingers.set(finger, here);
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId)) return;
    const { lasso } = this.sky;
    this.sky.lasso = null;
    if (lasso && lasso.length > 2 && !this.start) this.brush(this.sky.within(lasso));
    else if (this.start && event.type === "pointerup") {
      const found = this.sky.at(...this.start, event.pointerType === "touch" ? 22 : 12);
      if (found >= 0) this.pick(found, { sounds: true });
    }
    this.sky.soon();
  }

  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 20 : 1;
    this.sky.zoom(Math.exp(-event.deltaY * lines * 0.0016), ...this.place(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const does = {
      "+": () => this.sky.zoom(1.4), "=": () => this.sky.zoom(1.4), "-": () => this.sky.zoom(1 / 1.4), 0: () => this.sky.fit(),
      Enter: () => playClip(), " ": () => playClip(), s: () => this.toggle(), S: () => this.toggle(), Escape: () => this.brush(null),
    }[event.key];
    if (arrow && event.shiftKey) this.sky.move(-60 * arrow[0], -60 * arrow[1]);
    else if (arrow) this.step(arrow);
    else if (does) does();
    else return;
    event.preventDefault();
  }

  // To the closest clip that lies more that way than aside; the first step goes to the one in the middle.
  step([dx, dy]) {
    const { sky } = this;
    const begin = state.clip >= 0 && state.shown[state.clip] ? state.clip : -1;
    const [x, y] = begin >= 0 ? [sky.target[2 * begin], sky.target[2 * begin + 1]] : [sky.view.x, sky.view.y];
    let [best, least] = [-1, Infinity];
    for (let clip = 0; clip < state.atlas.size; clip++) {
      if (!state.shown[clip] || clip === begin) continue;
      const [ex, ey] = [sky.target[2 * clip] - x, sky.target[2 * clip + 1] - y];
      const [ahead, aside] = [ex * dx + ey * dy, Math.abs(ex * dy) + Math.abs(ey * dx)];
      if (begin >= 0 && ahead <= aside) continue;
      const cost = begin >= 0 ? Math.hypot(ahead, aside) + aside : Math.hypot(ex, ey);
      if (cost < least) [best, least] = [clip, cost];
    }
    if (best < 0) return;
    this.pick(best, { says: true });
    sky.reveal(best);
  }
}
