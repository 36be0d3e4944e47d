// Streamlit calls this when the component appears and whenever its data changes.

import { Viewer } from "./viewer.js";

const viewers = new WeakMap();

export default function ({ data, parentElement }) {
  const viewer = viewers.get(parentElement) ?? new Viewer(parentElement.querySelector(".viewer"));
  viewers.set(parentElement, viewer);
  viewer.show(data);
  return () => {
    if (!parentElement.isConnected) viewer.close(); // Streamlit also calls this when a newer run replaces an older one
  };
}
