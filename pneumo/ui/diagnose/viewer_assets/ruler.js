// Lengths, for files with a pixel spacing.

/** The longest round length (1, 2 or 5 times a power of ten, in mm) of at most `room` screen pixels, and its length in pixels. */
export function ruler(mmPerPixel, room) {
  const most = mmPerPixel * room;
  const power = 10 ** Math.floor(Math.log10(most));
  const mm = power * (most >= 5 * power ? 5 : most >= 2 * power ? 2 : 1);
  return { mm, pixels: mm / mmPerPixel };
}

/** Between two places in fractions of a picture, in mm. */
export function distance(from, to, picture, mm) {
  return Math.hypot((to.x - from.x) * picture.width, (to.y - from.y) * picture.height) * mm;
}

/** "50 mm", "0.5 mm". */
export function inWords(mm) {
  return `${mm < 10 ? Number(mm.toFixed(1)) : Math.round(mm)} mm`;
}
