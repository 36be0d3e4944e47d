// What a drag does, each a small tool with a name, and in one table which gesture means which tool (as in Cornerstone3D).

import { panned, under, zoomed } from "./view.js";
import { dragged } from "./windowing.js";

const ZOOM_DRAG = 200; // pixels for a factor of e

/** name -> (what the picture was like when the drag began, the drag, where it happens) -> what has changed. Points are of the stage. */
export const TOOLS = {
  window: (start, { from, to }, { picture }) => ({ window: dragged(start.window, to.x - from.x, to.y - from.y, picture) }),
  pan: (start, { from, to }, { stage, picture }) => ({ view: panned(start.view, to.x - from.x, to.y - from.y, stage, picture) }),
  zoom: (start, { from, to }, { stage, picture }) => ({
    view: zoomed(start.view, Math.exp((from.y - to.y) / ZOOM_DRAG), from, stage, picture),
  }),
  measure: (start, { from, to }, { stage, picture }) => ({
    measured: { from: under(from, start.view, stage, picture), to: under(to, start.view, stage, picture) },
  }),
};

/** Gesture -> tool; "chosen" is the one whose button is pressed. */
export const GESTURES = {
  "left drag": "chosen",
  "left drag + Shift": "pan",
  "middle drag": "pan",
  "right drag": "zoom",
  "one finger": "chosen",
  "two fingers": "pinch",
  wheel: "wheel",
  "double click": "fit",
};

/** Of a pointer that went down, the gesture that begins. */
export function gestureOf({ pointerType, button, shiftKey }) {
  if (pointerType === "touch") return "one finger";
  return ["left drag", "middle drag", "right drag"][button] + (button === 0 && shiftKey ? " + Shift" : "");
}

/** The view after two fingers went from places `before` to places `after`. */
export function pinched(view, before, after, stage, picture) {
  const apart = ([one, other]) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
  const middle = ([one, other]) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
  const [from, to] = [middle(before), middle(after)];
  const moved = panned(view, to.x - from.x, to.y - from.y, stage, picture);
  return zoomed(moved, apart(after) / apart(before), to, stage, picture);
}
