// What the open page remembers: the user's settings, and the zoom and window of each picture, by a key that holds no name.
// Nothing outlives the page.

import { WHOLE } from "./view.js";

const settings = {
  heat: true, opacity: null, colourMap: 0, contours: false, lungs: false, box: false, beside: "", keys: true, more: null,
  tool: matchMedia("(pointer: coarse)").matches ? "pan" : "window", // on touch screens a drag must scroll the page
};
const pictures = new Map();

/** The state a picture opens with. */
export function recalled(key, picture, opacity, doubted) {
  const { heat, ...own } = pictures.get(key) ?? fresh(picture);
  const shown = doubted ? { heat: heat ?? false } : {}; // a heatmap no better than chance is off at first
  return { ...settings, opacity: settings.opacity ?? opacity, ...own, ...shown, measured: null, held: false };
}

/** The state of an untouched picture. */
export function fresh(picture) {
  return { view: WHOLE, window: picture.presets[0], inverted: false };
}

export function remember(key, state, doubted) {
  for (const name of Object.keys(settings)) if (name !== "heat" || !doubted) settings[name] = state[name];
  const own = { view: state.view, window: state.window, inverted: state.inverted };
  pictures.set(key, doubted ? { ...own, heat: state.heat } : own);
}
