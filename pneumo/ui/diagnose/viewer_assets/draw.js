// Draws on canvases, in their own pixels. Values are interpolated first and windowed after, as DICOM viewers do.

import { levelFor } from "./pyramid.js";

const ACCENT = "#4CC2FF";
const OUTSIDE = 0xff000000; // black, opaque

/** Draws the visible part of a picture, through `greys` (see windowing.js). `place` is where the picture lies on the canvas. */
export function drawGreys(context, levels, greys, place) {
  const { width, height } = context.canvas;
  const at = levelFor(place.scale, levels.length);
  const level = levels[at];
  const image = imageOf(context, width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = new Uint32Array(greys.length);
  for (let value = 0; value < greys.length; value++) colours[value] = OUTSIDE | (greys[value] * 0x010101);
  const step = 1 / (place.scale * 2 ** at); // of the level, for one pixel of the canvas
  const ends = [levels[0].width * place.scale, levels[0].height * place.scale];
  const across = samples(width, place.left, ends[0], step, level.width);
  const down = samples(height, place.top, ends[1], step, level.height);
  if (across.first > 0 || across.end < width || down.first > 0 || down.end < height) pixels.fill(OUTSIDE);
  const { data } = level;
  for (let y = down.first; y < down.end; y++) {
    const upper = down.from[y] * level.width;
    const lower = down.next[y] * level.width;
    const low = down.share[y];
    for (let x = across.first, to = y * width + x; x < across.end; x++, to++) {
      const i = across.from[x];
      const j = across.next[x];
      const share = across.share[x];
      const above = data[upper + i] + (data[upper + j] - data[upper + i]) * share;
      const below = data[lower + i] + (data[lower + j] - data[lower + i]) * share;
      pixels[to] = colours[(above + (below - above) * low + 0.5) | 0];
    }
  }
  context.putImageData(image, 0, 0);
}

const images = new WeakMap(); // of each canvas, as a new one for each frame costs more than the frame's own arithmetic

function imageOf(context, width, height) {
  const known = images.get(context.canvas);
  if (known?.width === width && known.height === height) return known;
  const image = context.createImageData(width, height);
  images.set(context.canvas, image);
  return image;
}

/** For each pixel along one side of a canvas: the two neighbours in the level, and the share of the second. */
function samples(length, start, extent, step, side) {
  const sampled = {
    first: Math.max(0, Math.ceil(start - 0.5)),
    end: Math.min(length, Math.ceil(start + extent - 0.5)),
    from: new Int32Array(length), next: new Int32Array(length), share: new Float64Array(length),
  };
  for (let at = sampled.first; at < sampled.end; at++) {
    const position = Math.min(side - 1, Math.max(0, (at + 0.5 - start) * step - 0.5));
    sampled.from[at] = position;
    sampled.next[at] = Math.min(side - 1, sampled.from[at] + 1);
    sampled.share[at] = position - sampled.from[at];
  }
  return sampled;
}

/** Heat in 256 steps -> a canvas of its own size, coloured; `colours` is red, green, blue, cover of each step. */
export function heatPicture(levels, side, colours) {
  const canvas = new OffscreenCanvas(side, levels.length / side);
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  for (let at = 0; at < levels.length; at++) image.data.set(colours.subarray(4 * levels[at], 4 * levels[at] + 4), 4 * at);
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Heat over its box, in fractions of the picture. */
export function drawHeat(context, heat, box, opacity, place, picture) {
  const [left, top, right, bottom] = box;
  const [width, height] = [picture.width * place.scale, picture.height * place.scale];
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = true;
  context.drawImage(heat, place.left + left * width, place.top + top * height, (right - left) * width, (bottom - top) * height);
  context.globalAlpha = 1;
}

/** Lines of x, y, x, y ... in fractions of the picture. A dark rim keeps them visible on white and black. */
export function drawLines(context, lines, place, picture, { colour = ACCENT, width = 1.5, dash = [] } = {}) {
  const path = new Path2D();
  for (const line of lines) {
    for (let at = 0; at < line.length; at += 2) {
      const x = place.left + line[at] * picture.width * place.scale;
      const y = place.top + line[at + 1] * picture.height * place.scale;
      at ? path.lineTo(x, y) : path.moveTo(x, y);
    }
  }
  context.setLineDash(dash);
  for (const [style, extra] of [["rgba(0, 0, 0, .65)", 2], [colour, 0]]) {
    context.strokeStyle = style;
    context.lineWidth = (width + extra) * devicePixelRatio;
    context.stroke(path);
  }
  context.setLineDash([]);
}

/** The four sides of a box as one line. */
export function around([left, top, right, bottom]) {
  return [left, top, right, top, right, bottom, left, bottom, left, top];
}
