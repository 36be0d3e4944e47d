// Buttons, lists and slider run commands, and show the state.

import { COMMANDS } from "./commands.js";

const PRESSED = {
  invert: "inverted", heat: "heat", contours: "contours", lungs: "lungs", box: "box",
}; // command -> the part of the state that its button shows

export class Toolbar {
  constructor(viewer, root) {
    this.root = root;
    this.legend = root.querySelector(".legend canvas");
    const all = (selector) => [...root.querySelectorAll(selector)];
    this.buttons = all("button[data-command]");
    for (const button of this.buttons) {
      const command = COMMANDS.find(({ name }) => name === button.dataset.command);
      button.title = `${command.title} (${command.keys[0].toUpperCase().replace("SHIFT+", "Shift ")})`;
      button.addEventListener("click", () => command.run(viewer, command.keys[0]));
    }
    this.preset = root.querySelector(".preset");
    this.map = root.querySelector(".map");
    this.beside = root.querySelector(".beside");
    this.opacity = root.querySelector(".opacity");
    this.more = root.querySelector(".more");
    this.readout = root.querySelector(".readout");
    this.preset.addEventListener("change", () => viewer.preset(this.preset.selectedIndex));
    this.map.addEventListener("change", () => viewer.change({ colourMap: this.map.selectedIndex }));
    this.beside.addEventListener("change", () => viewer.change({ beside: this.beside.value }));
    this.opacity.addEventListener("input", () => viewer.change({ opacity: Number(this.opacity.value) / 100 }));
    this.more.addEventListener("toggle", () => viewer.ready && viewer.change({ more: this.more.open }));
    const keys = root.querySelector(".keys");
    keys.addEventListener("change", () => viewer.change({ keys: keys.checked }));
    this.keys = keys;
    root.querySelector(".help form").addEventListener("submit", () => this.buttons.at(-1).focus());
  }

  /** Fills the lists for one X-ray. */
  fill(header, picture) {
    this.shown = null;
    const names = picture.presets.map(({ name }) => [name, name]);
    options(this.preset, [...names, ["set by hand", "set by hand"]]);
    this.preset.options[names.length].disabled = true; // a drag chooses it
    options(this.map, header.colourMaps.map((name) => [name, name]));
    const similar = header.similar.map(({ name, label }, at) => [`similar ${at}`, `similar: ${label}, ${name}`]);
    options(this.beside, [["", "nothing"], ["plain", "the same without heat"], ...similar]);
    const hint = header.similar.length ? "" : "Similar cases: ask for a second opinion; they need the data set.";
    this.beside.title = hint;
    this.button("tool measure").hidden = !picture.spacing;
    this.button("lungs").disabled = !header.lungs.lines.length;
    this.button("lungs").title += header.lungs.reason ? `: ${header.lungs.reason}` : "";
    const [from, to, scale] = header.legend;
    const words = this.root.querySelectorAll(".legend span");
    [from, to, scale].forEach((text, at) => (words[at].textContent = text));
  }

  /** Shows the state; nothing here depends on zoom, place and values of the window, which change with each frame. */
  follow(state) {
    const shown = JSON.stringify({ ...state, view: null, window: state.window.name, measured: null });
    if (shown === this.shown) return;
    this.shown = shown;
    for (const [command, name] of Object.entries(PRESSED)) this.button(command).setAttribute("aria-pressed", state[name]);
    for (const tool of ["window", "pan", "zoom", "measure"])
      this.button(`tool ${tool}`).setAttribute("aria-pressed", state.tool === tool);
    const preset = [...this.preset.options].findIndex(({ value }) => value === state.window.name);
    this.preset.selectedIndex = preset < 0 ? this.preset.options.length - 1 : preset;
    this.map.selectedIndex = state.colourMap;
    this.beside.value = state.beside;
    if (this.beside.selectedIndex < 0) this.beside.value = "";
    this.opacity.value = Math.round(100 * state.opacity);
    this.more.open = state.more ?? this.root.clientWidth > 500;
    this.keys.checked = state.keys;
  }

  /** The line below the picture. */
  read(state, picture) {
    const words = this.words(state, picture);
    if (this.readout.textContent !== words) this.readout.textContent = words;
  }

  words({ view, window, inverted }, { range }) {
    const digits = range[1] - range[0] < 64 ? 2 : 0;
    const shown = window.centre === null ? window.name : `centre ${window.centre.toFixed(digits)}, width ${window.width.toFixed(digits)}`;
    return `Zoom ${Math.round(100 * view.zoom)} %, ${shown}${inverted ? ", inverted" : ""}`;
  }

  button(command) {
    return this.buttons.find(({ dataset }) => dataset.command === command);
  }
}

function options(select, pairs) {
  select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
}
