// The sheet of keys and gestures, made from the tables of commands and tools.

import { COMMANDS } from "./commands.js";
import { GESTURES } from "./tools.js";

const MEANS = {
  chosen: "the tool whose button is pressed", pan: "move", zoom: "zoom", pinch: "zoom and move", wheel: "zoom",
  fit: "whole picture",
};
const SHOWN = { "Shift+": "Shift ", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", "-": "−" };

/** Fills the table of the dialog. */
export function fillHelp(table) {
  const keys = COMMANDS.map(({ keys, title }) => [keys.length > 4 ? `${keys[0]} to ${keys.at(-1)}` : keys.map(named).join(" or "), title]);
  const gestures = Object.entries(GESTURES).map(([gesture, tool]) => [gesture, MEANS[tool]]);
  for (const [input, effect] of [...keys, ...gestures]) {
    const row = table.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = input;
    row.append(head);
    row.insertCell().textContent = effect;
  }
}

function named(key) {
  const spelled = Object.entries(SHOWN).reduce((text, [from, to]) => text.replace(from, to), key);
  return /[a-z]$/.test(spelled) ? spelled.slice(0, -1) + spelled.at(-1).toUpperCase() : spelled;
}
