// What the page remembers while it is open: how the eye likes its pictures, and of each picture its zoom and window. Numbers alone,
// by a key that is no name; nothing is stored beyond the page.

import { WHOLE } from "./view.js";

const taste = {
  heat: true, opacity: null, colourMap: 0, contours: false, lungs: false, box: false, beside: "", keys: true, more: null,
  tool: matchMedia("(pointer: coarse)").matches ? "pan" : "window", // by touch the page must scroll
};
const pictures = new Map();

/** The state a picture opens with. */
export function recalled(key, picture, opacity, doubted) {
  const { heat, ...own } = pictures.get(key) ?? fresh(picture);
  const shown = doubted ? { heat: heat ?? false } : {}; // a map that does no better than chance is off until it is asked for
  return { ...taste, opacity: taste.opacity ?? opacity, ...own, ...shown, measured: null, held: false };
}

/** Of a picture that nobody touched. */
export function fresh(picture) {
  return { view: WHOLE, window: picture.presets[0], inverted: false };
}

export function remember(key, state, doubted) {
  for (const name of Object.keys(taste)) if (name !== "heat" || !doubted) taste[name] = state[name];
  const own = { view: state.view, window: state.window, inverted: state.inverted };
  pictures.set(key, doubted ? { ...own, heat: state.heat } : own);
}
