"use strict";
// What the page carries, unpacked when it is first asked for: clips, their columns, and a place a clip for each model.

function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes.buffer;
}

const asShorts = (text) => new Uint16Array(bytesOf(text));
const asFloats = (text) => new Float32Array(bytesOf(text));

function shortNumber(value) {
  return Number.isNaN(value) ? "" : String(Number(value.toPrecision(3)));
}

class Column {
  constructor(packed) {
    this.name = packed.name;
    this.words = packed.words ?? null;
    this.numbers = packed.numbers ? asFloats(packed.numbers) : null;
    if (this.words) this.codes = packed.small ? new Uint8Array(bytesOf(packed.codes)) : asShorts(packed.codes);
    if (this.numbers) this.measure();
  }

  measure() {
    this.low = Infinity;
    this.high = -Infinity;
    for (const value of this.numbers) {
      if (value < this.low) this.low = value;
      if (value > this.high) this.high = value;
    }
  }

  text(clip) {
    return this.words ? this.words[this.codes[clip] - 1] ?? "" : shortNumber(this.numbers[clip]);
  }

  counts(among) {
    const counts = new Array(this.words.length + 1).fill(0);
    for (let clip = 0; clip < among.length; clip++) if (among[clip]) counts[this.codes[clip]] += 1;
    return counts;
  }
}

class ModelMap {
  constructor(packed, numClips) {
    this.name = packed.model;
    this.dim = packed.dim;
    this.share = packed.share;
    this.columns = packed.columns.map((column) => new Column(column));
    this.numNear = packed.num_near;
    this.nearest = asShorts(packed.near);
    this.distances = asShorts(packed.distances);
    this.planes = Object.fromEntries(Object.entries(packed.planes).map(([name, text]) => {
      const grid = asShorts(text);
      const places = new Float32Array(2 * numClips);
      for (let i = 0; i < places.length; i++) places[i] = grid[i] / 65535;
      return [name, places];
    }));
  }

  near(clip) {
    const found = [];
    for (let place = clip * this.numNear; place < (clip + 1) * this.numNear; place++) {
      found.push({ clip: this.nearest[place], distance: this.distances[place] / 32767 });
    }
    return found;
  }
}

class Atlas {
  constructor(packed) {
    this.dataset = packed.dataset;
    this.sound = packed.sound;
    this.label = packed.label;
    this.notes = packed.notes;
    this.folders = packed.files.folders;
    this.folderOf = asShorts(packed.files.codes);
    this.names = packed.files.names;
    this.size = this.names.length;
    this.starts = packed.starts ? asFloats(packed.starts) : null;
    this.ends = packed.ends ? asFloats(packed.ends) : null;
    this.columns = packed.columns.map((column) => new Column(column));
    this.models = packed.models.map((model) => new ModelMap(model, this.size));
  }

  file(clip) {
    return this.folders[this.folderOf[clip]] + this.names[clip];
  }

  segment(clip) {
    const start = this.starts?.[clip] ?? 0;
    const end = this.ends?.[clip] ?? NaN;
    return start === 0 && Number.isNaN(end) ? null : { start, end };
  }

  // Words of a clip in small letters, for the search; made once, when something is first searched.
  words(clip) {
    this.searchable ??= Array.from({ length: this.size }, (_, row) =>
      [this.file(row), ...this.columns.filter((column) => column.words).map((column) => column.text(row))].join("\n").toLowerCase());
    return this.searchable[clip];
  }
}

const unpacked = new Map();

function atlasAt(index) {
  if (!unpacked.has(index)) unpacked.set(index, new Atlas(JSON.parse(document.querySelectorAll("script.atlas")[index].textContent)));
  return unpacked.get(index);
}

// Which clips are shown: every filter keeps them, and all words are found. A filter is a set of codes, or a range of numbers.
function shownClips(atlas, filters, text) {
  const shown = new Uint8Array(atlas.size).fill(1);
  for (const { column, codes, low, high } of filters.values()) {
    for (let clip = 0; clip < atlas.size; clip++) {
      if (!shown[clip]) continue;
      shown[clip] = codes ? codes.has(column.codes[clip]) : column.numbers[clip] >= low && column.numbers[clip] <= high;
    }
  }
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length) {
    for (let clip = 0; clip < atlas.size; clip++) {
      if (shown[clip]) shown[clip] = wanted.every((word) => atlas.words(clip).includes(word));
    }
  }
  return shown;
}

// A grid over a plane: which dots are near a place is asked at every move of the mouse.
class Grid {
  constructor(places, side = 96) {
    this.places = places;
    this.side = side;
    const size = places.length / 2;
    const cells = new Uint32Array(size);
    this.starts = new Uint32Array(side * side + 1);
    for (let clip = 0; clip < size; clip++) {
      cells[clip] = this.cell(places[2 * clip]) + side * this.cell(places[2 * clip + 1]);
      this.starts[cells[clip] + 1] += 1;
    }
    for (let cell = 0; cell < side * side; cell++) this.starts[cell + 1] += this.starts[cell];
    const next = this.starts.slice();
    this.members = new Uint32Array(size);
    for (let clip = 0; clip < size; clip++) this.members[next[cells[clip]]++] = clip;
  }

  cell(place) {
    return Math.max(0, Math.min(this.side - 1, Math.floor(place * this.side)));
  }

  nearest(x, y, reach, accepts) {
    let best = -1;
    let closest = reach * reach;
    for (let row = this.cell(y - reach); row <= this.cell(y + reach); row++) {
      const first = this.starts[row * this.side + this.cell(x - reach)];
      const last = this.starts[row * this.side + this.cell(x + reach) + 1];
      for (let member = first; member < last; member++) {
        const clip = this.members[member];
        const far = (this.places[2 * clip] - x) ** 2 + (this.places[2 * clip + 1] - y) ** 2;
        if (far <= closest && accepts[clip]) [best, closest] = [clip, far];
      }
    }
    return best;
  }
}
