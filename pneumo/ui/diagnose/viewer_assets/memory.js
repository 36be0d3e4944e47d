// What the page remembers while it is open: how the eye likes its pictures, and of each picture its zoom and window. Numbers alone,
// by a key that is no name; nothing is stored beyond the page.

import { WHOLE } from "./view.js";

const taste = {
  heat: true, opacity: null, colourMap: 0, contours: false, lungs: false, box: false, beside: "", keys: true, more: null,
  tool: matchMedia("(pointer: coarse)").matches ? "pan" : "window", // by touch the page must scroll
};
const pictures = new Map();

/** The state a picture opens with. */
export function recalled(key, picture, opacity) {
  const own = pictures.get(key) ?? fresh(picture);
  return { ...taste, opacity: taste.opacity ?? opacity, ...own, measured: null, held: false };
}

/** Of a picture that nobody touched. */
export function fresh(picture) {
  return { view: WHOLE, window: picture.presets[0], inverted: false };
}

export function remember(key, state) {
  for (const name of Object.keys(taste)) taste[name] = state[name];
  pictures.set(key, { view: state.view, window: state.window, inverted: state.inverted });
}
