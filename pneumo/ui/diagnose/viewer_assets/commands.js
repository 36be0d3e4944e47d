// The viewer's commands, by key or by button; the help sheet is made from this table.

const PAN = 60; // pixels
const STEP = 25; // pixels: a press of a window key acts like a drag of this length

/** `keys` as `keyOf` names them; `run(viewer, key)`; `hold` gets true when the key goes down and false when it comes up. */
export const COMMANDS = [
  { name: "zoom in", keys: ["+", "="], title: "Zoom in", run: (viewer) => viewer.zoom(1.25) },
  { name: "zoom out", keys: ["-"], title: "Zoom out", run: (viewer) => viewer.zoom(0.8) },
  { name: "fit", keys: ["0"], title: "Whole picture", run: (viewer) => viewer.fit() },
  { name: "pan left", keys: ["Shift+ArrowLeft"], title: "Move left", run: (viewer) => viewer.pan(PAN, 0) },
  { name: "pan right", keys: ["Shift+ArrowRight"], title: "Move right", run: (viewer) => viewer.pan(-PAN, 0) },
  { name: "pan up", keys: ["Shift+ArrowUp"], title: "Move up", run: (viewer) => viewer.pan(0, PAN) },
  { name: "pan down", keys: ["Shift+ArrowDown"], title: "Move down", run: (viewer) => viewer.pan(0, -PAN) },
  { name: "brighter", keys: ["b"], title: "Brighter (level)", run: (viewer) => viewer.drag(0, -STEP) },
  { name: "darker", keys: ["Shift+b"], title: "Darker (level)", run: (viewer) => viewer.drag(0, STEP) },
  { name: "more contrast", keys: ["c"], title: "More contrast (window)", run: (viewer) => viewer.drag(-STEP, 0) },
  { name: "less contrast", keys: ["Shift+c"], title: "Less contrast (window)", run: (viewer) => viewer.drag(STEP, 0) },
  { name: "preset", keys: [..."123456789"], title: "Preset of the window", run: (viewer, key) => viewer.preset(Number(key) - 1) },
  { name: "invert", keys: ["i"], title: "Invert black and white", run: (viewer) => viewer.toggle("inverted") },
  { name: "reset", keys: ["r"], title: "Reset zoom, window and inversion", run: (viewer) => viewer.reset() },
  { name: "hide heat", keys: ["h"], title: "Hide the heat while held", hold: (viewer, down) => viewer.change({ held: down }) },
  { name: "heat", keys: ["Shift+h"], title: "Heat on or off", run: (viewer) => viewer.toggle("heat") },
  { name: "more opacity", keys: ["o"], title: "Heat more opaque", run: (viewer) => viewer.opacity(0.1) },
  { name: "less opacity", keys: ["Shift+o"], title: "Heat less opaque", run: (viewer) => viewer.opacity(-0.1) },
  { name: "colour map", keys: ["m"], title: "Next colour map", run: (viewer) => viewer.nextMap() },
  { name: "contours", keys: ["l"], title: "Contour lines of the heat", run: (viewer) => viewer.toggle("contours") },
  { name: "lungs", keys: ["u"], title: "Outline of the lungs", run: (viewer) => viewer.toggle("lungs") },
  { name: "box", keys: ["x"], title: "Part shown to the model", run: (viewer) => viewer.toggle("box") },
  { name: "plain", keys: ["p"], title: "Without heat beside it", run: (viewer) => viewer.beside("plain") },
  { name: "similar", keys: ["s"], title: "Next similar case beside it", run: (viewer) => viewer.nextSimilar() },
  { name: "tool window", keys: ["w"], title: "Drag changes window and level", run: (viewer) => viewer.change({ tool: "window" }) },
  { name: "tool pan", keys: ["g"], title: "Drag moves the picture", run: (viewer) => viewer.change({ tool: "pan" }) },
  { name: "tool zoom", keys: ["z"], title: "Drag zooms", run: (viewer) => viewer.change({ tool: "zoom" }) },
  { name: "tool measure", keys: ["k"], title: "Drag measures, if the file has a pixel spacing", run: (viewer) => viewer.measure() },
  { name: "help", keys: ["?"], title: "This sheet", run: (viewer) => viewer.help() },
];

/** A letter with Shift is "Shift+h"; other characters stand for themselves, whatever keys make them. */
export function keyOf(event) {
  const letter = event.key.length === 1 && event.key.toLowerCase() !== event.key.toUpperCase();
  const key = letter ? event.key.toLowerCase() : event.key;
  return event.shiftKey && (letter || key.length > 1) ? `Shift+${key}` : key;
}

/** The command of a pressed key; null while the focus is in a field, a list or a dialog. */
export function commandOf(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return null;
  const focused = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable=true], dialog, [role=dialog], [role=slider]";
  if (event.composedPath().some((node) => node instanceof Element && node.matches(focused))) return null;
  return COMMANDS.find((command) => command.keys.includes(keyOf(event))) ?? null;
}
