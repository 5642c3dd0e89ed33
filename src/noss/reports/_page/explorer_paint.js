// Colours and shapes: a small picture a kind of dot, drawn once and stamped ten thousand times. Stamping is done pixel by
// pixel in memory: it takes milliseconds with or without a graphics card, which so many calls to draw would not.

const NUM_COLOURS = 8;
const RAMP_STEPS = 32;
const RAMPS = {
  light: ["#e3ae3d", "#dd7b48", "#bd4a6b", "#7f3586", "#3b2a78"],
  dark: ["#5a55c8", "#a04bb0", "#dd5c7f", "#f59a55", "#f8e27c"],
};
const isDark = window.matchMedia("(prefers-color-scheme: dark)");

const inks = new Map(); // colours of the page by name, until it turns dark or light

function colour(name) {
  if (!inks.has(name)) inks.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return inks.get(name);
}

const SHAPES = ["circle", "triangle", "square", "diamond", "cross", "down", "ring", "bar"];

function outline(pen, shape, x, y, r) {
  const corners = {
    triangle: [[0, -1.25], [1.15, 0.85], [-1.15, 0.85]], down: [[0, 1.25], [1.15, -0.85], [-1.15, -0.85]],
    square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]], diamond: [[0, -1.3], [1.1, 0], [0, 1.3], [-1.1, 0]],
    bar: [[-1.25, -0.5], [1.25, -0.5], [1.25, 0.5], [-1.25, 0.5]],
    cross: [[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]],
  }[shape];
  pen.beginPath();
  if (corners) {
    for (const [dx, dy] of corners) pen.lineTo(x + r * dx, y + r * dy);
    pen.closePath();
  } else {
    pen.arc(x, y, r, 0, 2 * Math.PI);
    if (shape === "ring") pen.arc(x, y, r * 0.45, 0, 2 * Math.PI, true);
  }
}

function mixed(from, to, share) {
  const parts = (text) => [1, 3, 5].map((place) => parseInt(text.slice(place, place + 2), 16));
  const [a, b] = [parts(from), parts(to)];
  return `rgb(${a.map((value, i) => Math.round(value + share * (b[i] - value))).join(",")})`;
}

function ramp(share) {
  const stops = RAMPS[isDark.matches ? "dark" : "light"];
  const place = Math.max(0, Math.min(1, share)) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(place));
  return mixed(stops[index], stops[index + 1], place - index);
}

function paper(width, height, ground = null) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (ground) {
    pen.fillStyle = ground;
    pen.fillRect(0, 0, width, height);
  }
  return pen;
}

// A picture as what is left of the ground under each pixel (of 256) and what is added to it: red and blue together, and green.
function stamp(image) {
  const size = image.width * image.height;
  const pixels = new Uint32Array(image.data.buffer);
  const [kept, redBlue, green] = [new Uint16Array(size), new Uint32Array(size), new Uint32Array(size)];
  for (let i = 0; i < size; i++) {
    const share = Math.round((pixels[i] >>> 24) * (256 / 255));
    kept[i] = 256 - share;
    redBlue[i] = (pixels[i] & 0xff00ff) * share;
    green[i] = (pixels[i] & 0xff00) * share;
  }
  return { kept, redBlue, green };
}

function press({ kept, redBlue, green }, side, pixels, width, height, x, y) {
  const [first, last] = [Math.max(0, -x), Math.min(side, width - x)];
  const bottom = Math.min(side, height - y);
  for (let row = Math.max(0, -y); row < bottom; row++) {
    let at = (y + row) * width + x + first;
    for (let i = row * side + first; i < row * side + last; i++, at++) {
      const share = kept[i];
      if (share === 256) continue;
      const under = pixels[at];
      pixels[at] = 0xff000000 | ((((under & 0xff00ff) * share + redBlue[i]) >>> 8) & 0xff00ff) | ((((under & 0xff00) * share + green[i]) >>> 8) & 0xff00);
    }
  }
}

// How a column colours clips: a style a clip, and what each style looks like. Style 0 is a clip without a value.
class Palette {
  constructor(column, size) {
    this.column = column;
    this.styles = new Uint16Array(size);
    const grey = { fill: colour("--muted"), shape: "circle", faint: true };
    if (!column) {
      this.looks = [{ fill: colour("--accent"), shape: "circle" }];
    } else if (column.words) {
      this.styles = Uint16Array.from(column.codes);
      this.looks = [grey, ...column.words.map((_, index) => ({
        fill: colour(`--g${index % NUM_COLOURS}`), shape: SHAPES[Math.floor(index / NUM_COLOURS) % SHAPES.length] }))];
    } else {
      const span = column.high - column.low || 1;
      column.numbers.forEach((value, clip) => {
        this.styles[clip] = Number.isNaN(value) ? 0 : 1 + Math.round((RAMP_STEPS - 1) * (value - column.low) / span);
      });
      this.looks = [grey, ...Array.from({ length: RAMP_STEPS }, (_, step) => ({ fill: ramp(step / (RAMP_STEPS - 1)), shape: "circle" }))];
    }
  }

  // Pictures of every style at a radius in device pixels; the last one is that of a clip which is not shown.
  stamps(radius) {
    const ground = colour("--surface");
    const bare = paper(1, 1, ground).getImageData(0, 0, 1, 1);
    const side = Math.ceil(2.9 * radius) + 2;
    const made = [...this.looks, { fill: colour("--muted"), shape: "circle", away: true }].map((look) => {
      const pen = paper(side, side);
      pen.globalAlpha = look.away ? 0.13 : look.faint ? 0.45 : 0.88;
      outline(pen, look.shape, side / 2, side / 2, look.away ? 0.8 * radius : radius);
      pen.fillStyle = look.fill;
      pen.fill();
      if (!look.away && radius > 3) {
        pen.globalAlpha = 0.55;
        pen.lineWidth = Math.max(0.75, radius / 7);
        pen.strokeStyle = ground;
        pen.stroke();
      }
      return stamp(pen.getImageData(0, 0, side, side));
    });
    return { made, side, away: made.length - 1, ground: new Uint32Array(bare.data.buffer)[0] };
  }

  mark(style) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 24;
    canvas.setAttribute("aria-hidden", "true");
    const pen = canvas.getContext("2d");
    outline(pen, this.looks[style].shape, 12, 12, 8);
    pen.globalAlpha = this.looks[style].faint ? 0.5 : 1;
    pen.fillStyle = this.looks[style].fill;
    pen.fill();
    return canvas;
  }
}
