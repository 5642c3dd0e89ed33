// A map: where a model places the clips, drawn on a canvas. No dot is an element of the page.

const state = {
  atlas: null, shown: null, brush: null, clip: -1, hover: -1, palette: null, column: null, plane: "", filters: new Map(), text: "",
};
const FLIGHT_MS = 520;
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

class Sky {
  constructor(figure) {
    this.figure = figure;
    this.field = figure.querySelector(".field");
    this.canvas = figure.querySelector("canvas");
    this.tip = figure.querySelector(".tip");
    this.pen = this.canvas.getContext("2d", { alpha: false });
    this.model = null;
    this.palette = null;
    this.lasso = null;
    this.flight = null;
    this.frames = 0;
    new ResizeObserver(() => this.resize()).observe(this.field);
  }

  get active() {
    return this.model !== null && !this.figure.hidden;
  }

  show(model, plane) {
    const before = this.places;
    this.model = model;
    this.figure.querySelector("[data-name]").textContent = model.name;
    const share = plane.includes("PCA") ? `, ${(100 * model.share).toFixed(0)} % of the variance` : "";
    this.figure.querySelector("[data-dim]").textContent = `${model.dim.toLocaleString("en")} dimensions${share}`;
    this.canvas.setAttribute("aria-label", `Map of ${state.atlas.dataset} by ${model.name}`);
    this.target = model.planes[plane];
    this.grid = new Grid(this.target);
    this.box = boxOf(this.target);
    this.view = null;
    this.order = this.order?.length === state.atlas.size ? this.order : shuffled(state.atlas.size);
    const fly = before?.length === this.target.length && before !== this.target && !calm.matches;
    this.flight = fly ? { from: before.slice(), start: performance.now() } : null;
    this.places = fly ? before.slice() : this.target;
    this.titles = null;
    this.resize();
  }

  resize() {
    if (!this.active) return;
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    this.width = this.field.clientWidth;
    this.height = this.field.clientHeight;
    this.canvas.width = Math.round(this.width * this.ratio);
    this.canvas.height = Math.round(this.height * this.ratio);
    if (!this.view) this.fit();
    this.draw();
  }

  fit() {
    this.view = { x: (this.box.left + this.box.right) / 2, y: (this.box.top + this.box.bottom) / 2, zoom: 1 };
    this.soon();
  }

  get scale() {
    const [wide, tall] = [this.box.right - this.box.left || 1, this.box.bottom - this.box.top || 1];
    return Math.min((this.width - 44) / wide, (this.height - 96) / tall) * this.view.zoom;
  }

  screen(clip) {
    const scale = this.scale;
    return [
      this.width / 2 + (this.places[2 * clip] - this.view.x) * scale,
      this.height / 2 + (this.places[2 * clip + 1] - this.view.y) * scale,
    ];
  }

  plane(x, y) {
    return [this.view.x + (x - this.width / 2) / this.scale, this.view.y + (y - this.height / 2) / this.scale];
  }

  move(dx, dy) {
    this.view.x = Math.max(-0.2, Math.min(1.2, this.view.x - dx / this.scale));
    this.view.y = Math.max(-0.2, Math.min(1.2, this.view.y - dy / this.scale));
    this.soon();
  }

  zoom(by, x = this.width / 2, y = this.height / 2) {
    const [px, py] = this.plane(x, y);
    this.view.zoom = Math.max(0.6, Math.min(80, this.view.zoom * by));
    const [qx, qy] = this.plane(x, y);
    this.view.x += px - qx;
    this.view.y += py - qy;
    this.soon();
  }

  reveal(clip) {
    const [x, y] = this.screen(clip);
    const margin = 30;
    if (x > margin && x < this.width - margin && y > margin && y < this.height - margin) return;
    this.view.x = this.target[2 * clip];
    this.view.y = this.target[2 * clip + 1];
    this.soon();
  }

  at(x, y, reach) {
    const [px, py] = this.plane(x, y);
    return this.flight ? -1 : this.grid.nearest(px, py, reach / this.scale, state.shown);
  }

  soon() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.draw();
    });
  }

  fly() {
    const passed = (performance.now() - this.flight.start) / FLIGHT_MS;
    const eased = passed >= 1 ? 1 : 1 - (1 - passed) ** 3;
    const { from } = this.flight;
    for (let i = 0; i < from.length; i++) this.places[i] = from[i] + eased * (this.target[i] - from[i]);
    if (passed >= 1) [this.places, this.flight] = [this.target, null];
    this.soon();
  }

  radius() {
    const size = state.atlas.size;
    const small = Math.min(1, Math.min(this.width, this.height) / 560);
    const plain = (size > 6000 ? 2.4 : size > 2000 ? 3.1 : size > 500 ? 4 : 5.2) * (0.75 + 0.25 * small);
    return Math.min(9, plain * this.view.zoom ** 0.35);
  }

  stamps() {
    const key = Math.round(4 * this.radius() * this.ratio);
    if (this.stampKey !== key || this.stampPalette !== this.palette) {
      this.stamped = this.palette.stamps(key / 4);
      [this.stampKey, this.stampPalette] = [key, this.palette];
    }
    return this.stamped;
  }

  draw() {
    if (!this.active || !this.palette || !this.width) return;
    this.frames += 1;
    if (this.flight) this.fly();
    const pen = this.pen;
    this.dots();
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.headings();
    this.links();
    if (state.hover >= 0 && state.hover !== state.clip) this.halo(state.hover, 2, colour("--ink"));
    if (this.lasso) this.string();
  }

  // What is not shown goes below; the rest in a shuffled order, so that no group hides the others.
  dots() {
    const { made, side, away, ground } = this.stamps();
    const { styles } = this.palette;
    const { shown, brush } = state;
    const { places, order, ratio } = this;
    const { width, height } = this.canvas;
    if (this.image?.width !== width || this.image?.height !== height) this.image = this.pen.createImageData(width, height);
    const pixels = new Uint32Array(this.image.data.buffer).fill(ground);
    const scale = this.scale * ratio;
    const left = (this.width / 2) * ratio - this.view.x * scale - side / 2;
    const top = (this.height / 2) * ratio - this.view.y * scale - side / 2;
    for (const front of [false, true]) {
      for (const clip of order) {
        if (Boolean(shown[clip] && (!brush || brush[clip])) !== front) continue;
        const x = Math.round(left + places[2 * clip] * scale);
        const y = Math.round(top + places[2 * clip + 1] * scale);
        if (x > -side && y > -side && x < width && y < height) press(made[front ? styles[clip] : away], side, pixels, width, height, x, y);
      }
    }
    this.pen.putImageData(this.image, 0, 0);
  }

  // The names of few groups, each where its dots are densest.
  headings() {
    const words = this.palette.column?.words;
    if (!words || words.length > 24 || this.flight) return;
    this.titles ??= densest(this.target, this.palette.styles, words.length, state.shown);
    const pen = this.pen;
    pen.font = `600 ${this.width < 420 ? 11 : 12.5}px ${getComputedStyle(document.body).fontFamily}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    const taken = [];
    for (const { style, x, y } of this.titles) {
      const text = words[style - 1].length > 24 ? `${words[style - 1].slice(0, 23)}…` : words[style - 1];
      const [sx, sy] = [this.width / 2 + (x - this.view.x) * this.scale, this.height / 2 + (y - this.view.y) * this.scale];
      const half = pen.measureText(text).width / 2 + 3;
      if (taken.some((box) => Math.abs(box.x - sx) < box.half + half && Math.abs(box.y - sy) < 17)) continue;
      taken.push({ x: sx, y: sy, half });
      pen.lineWidth = 4;
      pen.strokeStyle = colour("--surface");
      pen.globalAlpha = 0.85;
      pen.strokeText(text, sx, sy);
      pen.globalAlpha = 1;
      pen.fillStyle = colour("--ink");
      pen.fillText(text, sx, sy);
    }
  }

  // Lines from the clip to its nearest neighbours by this model.
  links() {
    if (state.clip < 0) return;
    const pen = this.pen;
    const [x, y] = this.screen(state.clip);
    pen.strokeStyle = colour("--ink");
    this.model.near(state.clip).forEach(({ clip }, rank) => {
      const [nx, ny] = this.screen(clip);
      pen.globalAlpha = 0.6 - 0.035 * rank;
      pen.lineWidth = 1.2;
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(nx, ny);
      pen.stroke();
      this.halo(clip, 1.5, colour("--ink"));
    });
    pen.globalAlpha = 1;
    this.halo(state.clip, 6, colour("--surface"));
    this.halo(state.clip, 3, colour("--accent"));
  }

  halo(clip, thick, ink) {
    const [x, y] = this.screen(clip);
    this.pen.lineWidth = thick;
    this.pen.strokeStyle = ink;
    this.pen.beginPath();
    this.pen.arc(x, y, this.radius() + 3.5, 0, 2 * Math.PI);
    this.pen.stroke();
  }

  string() {
    const pen = this.pen;
    pen.beginPath();
    for (const [x, y] of this.lasso) pen.lineTo(x, y);
    pen.closePath();
    pen.fillStyle = colour("--accent");
    pen.globalAlpha = 0.12;
    pen.fill();
    pen.globalAlpha = 1;
    pen.setLineDash([5, 4]);
    pen.lineWidth = 1.5;
    pen.strokeStyle = colour("--accent");
    pen.stroke();
    pen.setLineDash([]);
  }

  within(corners) {
    const inside = new Uint8Array(state.atlas.size);
    for (let clip = 0; clip < inside.length; clip++) {
      if (!state.shown[clip]) continue;
      const [x, y] = this.screen(clip);
      let odd = false;
      for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
        const [[ax, ay], [bx, by]] = [corners[i], corners[j]];
        if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) odd = !odd;
      }
      inside[clip] = odd;
    }
    return inside;
  }
}

function boxOf(places) {
  const box = { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity };
  for (let i = 0; i < places.length; i += 2) {
    box.left = Math.min(box.left, places[i]);
    box.right = Math.max(box.right, places[i]);
    box.top = Math.min(box.top, places[i + 1]);
    box.bottom = Math.max(box.bottom, places[i + 1]);
  }
  return box;
}

// The same order at every visit.
function shuffled(size) {
  const order = Uint32Array.from({ length: size }, (_, place) => place);
  let seed = 12345;
  for (let place = size - 1; place > 0; place--) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    const other = seed % (place + 1);
    [order[place], order[other]] = [order[other], order[place]];
  }
  return order;
}

// For each style the middle of the densest square of a coarse, smoothed grid, the densest first.
function densest(places, styles, numStyles, shown) {
  const side = 28;
  const found = [];
  const counts = Array.from({ length: numStyles + 1 }, () => new Float32Array((side + 2) ** 2));
  for (let clip = 0; clip < styles.length; clip++) {
    if (!shown[clip]) continue;
    const column = Math.min(side - 1, Math.floor(places[2 * clip] * side));
    const row = Math.min(side - 1, Math.floor(places[2 * clip + 1] * side));
    for (const [dx, dy, weight] of [[0, 0, 2], [1, 0, 1], [-1, 0, 1], [0, 1, 1], [0, -1, 1]]) {
      counts[styles[clip]][(row + 1 + dy) * (side + 2) + column + 1 + dx] += weight;
    }
  }
  for (let style = 1; style <= numStyles; style++) {
    const place = counts[style].reduce((best, value, index, all) => (value > all[best] ? index : best), 0);
    if (!counts[style][place]) continue;
    found.push({ style, weight: counts[style][place], x: ((place % (side + 2)) - 0.5) / side, y: (Math.floor(place / (side + 2)) - 0.5) / side });
  }
  return found.sort((a, b) => b.weight - a.weight);
}
