// The viewer of one X-ray: its data, its state and its drawing. It never calls the server.

import { COMMANDS } from "./commands.js";
import { heatPicture } from "./draw.js";
import { listen } from "./gestures.js";
import { fillHelp } from "./help.js";
import { listenToKeys } from "./keyboard.js";
import { drawLegend } from "./legend.js";
import { fresh, recalled, remember } from "./memory.js";
import { Panel } from "./panel.js";
import { open } from "./parcel.js";
import { pyramid } from "./pyramid.js";
import { Toolbar } from "./toolbar.js";
import { panned, WHOLE, zoomed } from "./view.js";
import { dragged } from "./windowing.js";

const ALT = { overlay: "radiograph with heatmap", plain: "radiograph", similar: "similar train picture" };
const GREY_LEVELS = { slope: 1, intercept: 0, function: "LINEAR_EXACT", inverted: false, range: [0, 255], spacing: null,
  presets: [{ name: "as stored", centre: 127.5, width: 255 }] };

export class Viewer {
  constructor(root) {
    this.root = root;
    this.panels = [...root.querySelectorAll(".stage")].map((element) => new Panel(element));
    this.state = null;
    this.panels.forEach((panel) => listen(this, panel));
    this.toolbar = new Toolbar(this, root);
    fillHelp(root.querySelector(".help table"));
    this.stopKeys = listenToKeys(this, root);
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(root.querySelector(".stages"));
  }

  /** Shows another picture, or the same with other heat. The last call wins, however long each takes. */
  async show(bytes) {
    this.bytes = bytes;
    const { header, arrays } = await open(bytes);
    if (this.bytes !== bytes) return;
    this.header = header;
    this.colours = header.colourMaps.map((_, at) => arrays.colours.data.subarray(at * 1024, (at + 1) * 1024));
    this.picture = { ...header.picture, ...levelled(arrays.values), table: arrays.table?.data };
    this.similar = header.similar.map((_, at) => ({ ...GREY_LEVELS, ...levelled(arrays[`similar ${at}`]) }));
    this.heats = this.colours.map((colours) => heatPicture(arrays.heat.data, arrays.heat.shape[1], colours));
    this.state = recalled(header.key, this.picture, header.opacity, header.heat.doubted);
    this.panels[0].put(this.picture, ALT.overlay);
    this.root.style.setProperty("--aspect", this.picture.width / this.picture.height);
    this.toolbar.fill(header, this.picture);
    this.change({});
    this.root.dataset.ready = header.key;
  }

  get ready() {
    return this.state !== null;
  }

  /** Every change of the state goes through here. */
  change(changes) {
    if (!this.ready) return;
    this.state = { ...this.state, ...changes };
    remember(this.header.key, this.state, this.header.heat.doubted);
    this.arrange();
    this.toolbar.follow(this.state);
    this.draw();
  }

  /** Sets the second panel; empty if this X-ray has no such similar case. */
  arrange() {
    const { beside } = this.state;
    const similar = beside.startsWith("similar") ? this.similar[Number(beside.split(" ")[1])] : null;
    const second = beside === "plain" ? this.picture : similar;
    this.root.classList.toggle("two", Boolean(second));
    if (second && this.panels[1].picture !== second) {
      const named = similar && this.header.similar[this.similar.indexOf(similar)];
      const alt = similar ? `${ALT.similar} ${named.name}, ${named.label}` : ALT.plain;
      this.panels[1].put(second, alt);
      this.panels[1].element.querySelector(".named").textContent = similar ? `${named.label}: ${named.name}` : "";
    }
    const [first] = this.panels;
    const still = this.state.tool === "pan" && this.state.view.zoom === 1;
    for (const { element } of this.panels) element.style.touchAction = still ? "pan-y" : "none";
    first.element.classList.toggle("grab", this.state.tool === "pan");
  }

  /** Draws once before the next paint, for all changes until then. */
  draw() {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      if (!this.ready || !this.root.isConnected) return;
      const { state, header, heats } = this;
      const { box, contours } = header.heat;
      this.panels[0].draw(state, { heat: heats[state.colourMap], box, contours, lungs: header.lungs.lines });
      if (this.root.classList.contains("two")) {
        const [, other] = this.panels;
        const own = other.picture === this.picture;
        other.draw(own ? state : { ...state, ...fresh(other.picture), view: state.view, measured: null }, null);
      }
      this.colourLegend();
      this.toolbar.read(state, this.picture);
    });
  }

  /** Draws the legend when its colours, opacity or marks change. */
  colourLegend() {
    const { colourMap, opacity, contours } = this.state;
    const legend = JSON.stringify([this.header.key, colourMap, opacity, contours]);
    if (legend === this.legend) return;
    this.legend = legend;
    drawLegend(this.toolbar.legend, this.colours[colourMap], opacity, contours ? this.header.heat.contours.map(({ level }) => level) : []);
  }

  zoom(factor) {
    const { size } = this.panels[0];
    this.change({ view: zoomed(this.state.view, factor, { x: size.width / 2, y: size.height / 2 }, size, this.picture) });
  }

  pan(across, down) {
    this.change({ view: panned(this.state.view, across, down, this.panels[0].size, this.picture) });
  }

  fit() {
    this.change({ view: WHOLE });
  }

  drag(across, down) {
    this.change({ window: dragged(this.state.window, across, down, this.picture) });
  }

  preset(at) {
    if (this.picture.presets[at]) this.change({ window: this.picture.presets[at] });
  }

  toggle(name) {
    this.change({ [name]: !this.state[name] });
  }

  opacity(more) {
    this.change({ opacity: Math.min(1, Math.max(0, Math.round(100 * (this.state.opacity + more)) / 100)) });
  }

  nextMap() {
    this.change({ colourMap: (this.state.colourMap + 1) % this.colours.length });
  }

  /** `kind` is "plain" or "similar 0"; the current kind again switches it off. */
  beside(kind) {
    this.change({ beside: this.state.beside === kind ? "" : kind });
  }

  nextSimilar() {
    const { beside } = this.state;
    const next = beside.startsWith("similar") ? Number(beside.split(" ")[1]) + 1 : 0;
    this.change({ beside: next < this.similar.length ? `similar ${next}` : "" });
  }

  measure() {
    if (this.picture.spacing) this.change({ tool: "measure" });
  }

  reset() {
    this.change({ ...fresh(this.picture), measured: null });
  }

  help() {
    this.root.querySelector(".help").showModal();
  }

  /** For screen readers: what a key did. */
  announce(command) {
    const { state } = this;
    const toggled = { contours: state.contours, lungs: state.lungs, box: state.box, heat: state.heat, invert: state.inverted };
    const more = command.name in toggled ? (toggled[command.name] ? ": on" : ": off") : "";
    this.root.querySelector(".spoken").textContent = `${command.title}${more}. ${this.toolbar.words(state, this.picture)}`;
  }

  close() {
    this.stopKeys();
    this.resized.disconnect();
  }
}

/** An array of a parcel as a picture with its smaller copies. */
function levelled({ shape: [height, width], data }) {
  const top = data.reduce((most, value) => (value > most ? value : most), 0); // 4095 for 12 bits, so the table is shorter
  return { width, height, top, levels: pyramid({ width, height, data }) };
}

export { COMMANDS };
