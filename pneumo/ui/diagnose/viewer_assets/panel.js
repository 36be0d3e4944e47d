// One stage: the greys on one canvas, heat and lines on another above it.

import { around, drawGreys, drawHeat, drawLines } from "./draw.js";
import { distance, inWords, ruler } from "./ruler.js";
import { placed } from "./view.js";
import { greysOf } from "./windowing.js";

const CONTOUR = ["#FFFFFF", "#FFD37A", "#FF8A5C"]; // from the lowest level to the highest; the dashes differ too
const DASHES = [[2, 4], [7, 4], []];
const LUNGS = "#5FD3BC";
const RULER = 0.3; // of the stage's width at most

export class Panel {
  /** `element` holds two canvases and a ruler. */
  constructor(element) {
    this.element = element;
    [this.greys, this.over] = element.querySelectorAll("canvas");
    this.ruler = element.querySelector(".ruler");
    this.picture = null;
  }

  /** `picture` is { width, height, levels, top, ...the header's description }. */
  put(picture, alt) {
    this.picture = picture;
    this.greys.setAttribute("aria-label", alt);
    this.drawn = this.laid = this.tabled = null;
  }

  /** In CSS pixels, as gestures are. */
  get size() {
    return { width: this.element.clientWidth, height: this.element.clientHeight };
  }

  draw(state, layers) {
    const { picture } = this;
    const fits = [this.greys, this.over].map((canvas) => fitted(canvas, this.size));
    const place = placed(state.view, this.greys, picture);
    const greys = JSON.stringify([place, state.window, state.inverted, fits]);
    if (greys !== this.drawn) {
      drawGreys(this.greys.getContext("2d", { alpha: false }), picture.levels, this.table(state), place);
      this.drawn = greys;
    }
    const { heat, held, opacity, colourMap, contours, lungs, box, measured } = state;
    const over = JSON.stringify([place, fits, layers && [heat, held, opacity, colourMap, contours, lungs, box], measured]);
    if (over === this.laid) return; // a new window changes the greys alone
    const context = this.over.getContext("2d");
    context.clearRect(0, 0, this.over.width, this.over.height);
    if (layers) this.lay(context, state, layers, place);
    if (measured && picture.spacing) this.measured(context, measured, place);
    this.rule(place);
    this.laid = over;
  }

  /** The greys of the values, computed only when the window changes. */
  table({ window, inverted }) {
    if (this.tabled?.window !== window || this.tabled.inverted !== inverted)
      this.tabled = { window, inverted, greys: greysOf(this.picture, window, inverted, this.picture.top) };
    return this.tabled.greys;
  }

  lay(context, state, layers, place) {
    if (state.heat && !state.held) {
      drawHeat(context, layers.heat, layers.box, state.opacity, place, this.picture);
      if (state.contours)
        layers.contours.forEach(({ lines }, at) =>
          drawLines(context, lines, place, this.picture, { colour: CONTOUR[at % 3], dash: DASHES[at % 3] }));
    }
    if (state.lungs) drawLines(context, layers.lungs, place, this.picture, { colour: LUNGS });
    if (state.box) drawLines(context, [around(layers.box)], place, this.picture, { dash: [6, 4] });
  }

  measured(context, { from, to }, place) {
    drawLines(context, [[from.x, from.y, to.x, to.y]], place, this.picture, { width: 2 });
    context.font = `${14 * devicePixelRatio}px sans-serif`;
    context.fillStyle = "#FFFFFF";
    context.strokeStyle = "#000000";
    context.lineWidth = 3 * devicePixelRatio;
    const text = inWords(distance(from, to, this.picture, this.picture.spacing.mm));
    const at = [place.left + to.x * this.picture.width * place.scale + 8, place.top + to.y * this.picture.height * place.scale];
    context.strokeText(text, ...at);
    context.fillText(text, ...at);
  }

  rule(place) {
    const { spacing } = this.picture;
    this.ruler.hidden = !spacing;
    if (!spacing) return;
    const { mm, pixels } = ruler((spacing.mm / place.scale) * devicePixelRatio, RULER * this.size.width);
    this.ruler.style.width = `${pixels}px`;
    this.ruler.textContent = `${inWords(mm)} ${spacing.where}`;
  }
}

/** Sets a canvas to the screen pixels of `size`, and returns them. */
function fitted(canvas, size) {
  const [width, height] = [size.width, size.height].map((side) => Math.max(1, Math.round(side * devicePixelRatio)));
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return [width, height];
}
