// Window centre and width -> the grey of each stored value; as pneumo/imaging/windowing.py has it (DICOM PS3.3 C.11.2.1).

export const DRAG = 500; // pixels of the screen from one end of the picture's range to the other

/** Uint8Array, the grey of each stored value from 0 to `top`. `window` is { centre, width }, or { centre: null } for the table. */
export function greysOf(picture, window, inverted, top) {
  const greys = new Uint8Array(top + 1);
  const turned = picture.inverted !== inverted;
  const shown = window.centre === null
    ? (stored) => picture.table[Math.min(stored, picture.table.length - 1)]
    : (stored) => 255 * windowed(stored * picture.slope + picture.intercept, window.centre, window.width, picture.function);
  for (let stored = 0; stored <= top; stored++) {
    const grey = Math.round(shown(stored));
    greys[stored] = turned ? 255 - grey : grey;
  }
  return greys;
}

/** A value in the window's units -> 0, black, to 1, white. */
export function windowed(value, centre, width, name) {
  if (name === "SIGMOID") return 0.5 + 0.5 * Math.tanh((2 * (value - centre)) / width);
  if (name === "LINEAR" && width >= 1) {
    centre -= 0.5;
    width = Math.max(width - 1, 1e-6);
  }
  return Math.min(1, Math.max(0, (value - centre) / width + 0.5));
}

/** The window after a drag of `across` and `down` pixels: to the right wider, downwards a higher centre, which is darker. */
export function dragged(window, across, down, picture) {
  const span = picture.range[1] - picture.range[0] || 1;
  const from = window.centre === null ? fullRange(picture) : window;
  return {
    name: "set by hand",
    centre: from.centre + (down * span) / DRAG,
    width: Math.max(from.width + (across * span) / DRAG, span / 4096),
  };
}

/** The last preset, which every picture has. */
export function fullRange(picture) {
  return picture.presets.at(-1);
}
