// Which part of a picture a stage shows. A view is { zoom, x, y }: zoom 1 shows the picture whole, x and y are the place of the
// picture, in fractions of it, at the middle of the stage; so panels of different pictures can share one.

export const WHOLE = Object.freeze({ zoom: 1, x: 0.5, y: 0.5 });
const LARGEST = 40;

/** Where the picture lies on a stage, in the stage's pixels: { scale, left, top }. */
export function placed(view, stage, picture) {
  const scale = view.zoom * Math.min(stage.width / picture.width, stage.height / picture.height);
  return {
    scale,
    left: stage.width / 2 - view.x * picture.width * scale,
    top: stage.height / 2 - view.y * picture.height * scale,
  };
}

/** Zoomed by `factor` while what lies at `point` of the stage stays there. */
export function zoomed(view, factor, point, stage, picture) {
  const zoom = Math.min(LARGEST, Math.max(1, view.zoom * factor));
  const before = placed(view, stage, picture);
  const { scale } = placed({ ...view, zoom }, stage, picture);
  const moved = (at, from, side, middle) => (at - from) / before.scale / side - (at - middle) / scale / side;
  return clamped({
    zoom,
    x: moved(point.x, before.left, picture.width, stage.width / 2),
    y: moved(point.y, before.top, picture.height, stage.height / 2),
  }, stage, picture);
}

/** Moved by a number of stage pixels. */
export function panned(view, across, down, stage, picture) {
  const { scale } = placed(view, stage, picture);
  const moved = { ...view, x: view.x - across / scale / picture.width, y: view.y - down / scale / picture.height };
  return clamped(moved, stage, picture);
}

/** The place under a point of the stage, in fractions of the picture. */
export function under(point, view, stage, picture) {
  const { scale, left, top } = placed(view, stage, picture);
  return { x: (point.x - left) / scale / picture.width, y: (point.y - top) / scale / picture.height };
}

/** Without needless gaps: a side that fits is centred, a longer one fills the stage. */
function clamped(view, stage, picture) {
  const { scale } = placed(view, stage, picture);
  const within = (at, stageSide, side) => {
    const half = stageSide / 2 / scale / side;
    return half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, at));
  };
  return { ...view, x: within(view.x, stage.width, picture.width), y: within(view.y, stage.height, picture.height) };
}
