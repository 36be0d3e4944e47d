// The drag tools, and which gesture uses which tool (as in Cornerstone3D).

import { panned, under, zoomed } from "./view.js";
import { dragged } from "./windowing.js";

const ZOOM_DRAG = 200; // pixels for a factor of e

/** name -> function of (state when the drag began, drag, stage and picture) that returns the changes. Points are on the stage. */
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

/** The gesture that a pointer begins. */
export function gestureOf({ pointerType, button, shiftKey }) {
  if (pointerType === "touch") return "one finger";
  return ["left drag", "middle drag", "right drag"][button] + (button === 0 && shiftKey ? " + Shift" : "");
}

/** The view after two fingers went from places `before` to places `after`. */
export function pinched(view, before, after, stage, picture) {
  const apart = ([first, second]) => Math.hypot(first.x - second.x, first.y - second.y) || 1;
  const middle = ([first, second]) => ({ x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 });
  const [from, to] = [middle(before), middle(after)];
  const moved = panned(view, to.x - from.x, to.y - from.y, stage, picture);
  return zoomed(moved, apart(after) / apart(before), to, stage, picture);
}
