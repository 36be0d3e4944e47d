// Pointers, wheel and fingers on a stage -> the tools of tools.js.

import { gestureOf, GESTURES, pinched, TOOLS } from "./tools.js";
import { zoomed } from "./view.js";

/** `viewer` has `state`, `change(changes)`, `fit()`; `panel` has `element`, `size`, `picture`. */
export function listen(viewer, panel) {
  const { element } = panel;
  const fingers = new Map();
  let drag = null;

  const point = (event) => {
    const edges = element.getBoundingClientRect();
    return { x: event.clientX - edges.left, y: event.clientY - edges.top };
  };
  const geometry = () => ({ stage: panel.size, picture: panel.picture });

  element.addEventListener("pointerdown", (event) => {
    element.focus({ preventScroll: true });
    const gesture = gestureOf(event);
    const tool = GESTURES[gesture] === "chosen" ? viewer.state.tool : GESTURES[gesture];
    if (event.pointerType === "touch") fingers.set(event.pointerId, point(event));
    drag = fingers.size > 1 ? null : { tool, from: point(event), start: viewer.state };
    element.setPointerCapture(event.pointerId);
    if (event.button === 1) event.preventDefault(); // no scrolling by the middle button
  });
  element.addEventListener("pointermove", (event) => {
    const to = point(event);
    if (fingers.size > 1 && fingers.has(event.pointerId)) {
      const before = [...fingers.values()].slice(0, 2);
      fingers.set(event.pointerId, to);
      const after = [...fingers.values()].slice(0, 2);
      viewer.change({ view: pinched(viewer.state.view, before, after, panel.size, panel.picture) });
    } else if (drag) {
      if (fingers.has(event.pointerId)) fingers.set(event.pointerId, to);
      viewer.change(TOOLS[drag.tool](drag.start, { from: drag.from, to }, geometry()));
    }
  });
  for (const end of ["pointerup", "pointercancel"])
    element.addEventListener(end, (event) => {
      fingers.delete(event.pointerId);
      drag = null; // the finger that stays after a pinch starts no drag
    });
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
    const factor = Math.exp(-Math.max(-200, Math.min(200, event.deltaY * lines)) / 400);
    viewer.change({ view: zoomed(viewer.state.view, factor, point(event), panel.size, panel.picture) });
  }, { passive: false });
  // One finger may scroll the page, two must not.
  element.addEventListener("touchmove", (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });
  element.addEventListener("dblclick", () => viewer.fit());
  element.addEventListener("contextmenu", (event) => event.preventDefault());
}
