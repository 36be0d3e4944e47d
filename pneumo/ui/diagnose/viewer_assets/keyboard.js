// Keys of the whole page -> commands, before Streamlit's own (R would rerun the page).

import { commandOf } from "./commands.js";

/** Returns a function that stops listening. `viewer.state.keys` is false where single keys are switched off (WCAG 2.1.4). */
export function listenToKeys(viewer, root) {
  let held = null;
  const down = (event) => {
    if (!root.isConnected) return stop();
    const command = commandOf(event);
    if (!command || !viewer.ready || !(viewer.state.keys || command.name === "help")) return undefined;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (command.hold) {
      if (!held) command.hold(viewer, true);
      held = command;
    } else {
      command.run(viewer, event.key);
      viewer.announce(command);
    }
    return undefined;
  };
  const up = () => {
    if (held) held.hold(viewer, false);
    held = null;
  };
  const stop = () => {
    window.removeEventListener("keydown", down, true);
    window.removeEventListener("keyup", up, true);
    window.removeEventListener("blur", up);
  };
  window.addEventListener("keydown", down, true);
  window.addEventListener("keyup", up, true);
  window.addEventListener("blur", up); // the key may be released elsewhere
  return stop;
}
