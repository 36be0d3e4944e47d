"""The viewer in headless Chromium: frames per second while zooming, moving and windowing, and bytes sent per picture.

    PYTHONPATH=.:tests python bench/viewer.py [FILES...] [--width 2000] [--height 2500] [--seconds 4]

A generated 12-bit DICOM and an 8-bit PNG of that size, and the FILES, are dropped one after the other; then the mouse zooms, moves
and drags for some seconds. A frame is one drawing of the grey image; Chromium draws at most 60 per second. No graphics card is
used.
"""

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from browser.running import app, browser_page, running_chromium, settle
from makers import dicom_bytes

from pneumo.imaging.overlay import png
from pneumo.synthetic.phantom import make_phantom

GOAL = 30  # frames per second
COUNT = """
drawn = [], began = 0;
const { putImageData } = CanvasRenderingContext2D.prototype;
const { getContext } = HTMLCanvasElement.prototype;
HTMLCanvasElement.prototype.getContext = function (...kind) {
  if (this.className === "greys") began = performance.now();
  return getContext.apply(this, kind);
};
CanvasRenderingContext2D.prototype.putImageData = function (...image) {
  putImageData.apply(this, image);
  if (this.canvas.className === "greys" && !this.canvas.closest(".second")) drawn.push(performance.now() - began);
};
"""

# A wheel in the page itself, 120 turns a second: Playwright's own waits for the frame of each turn before it sends the next.
TURNS = """([clientX, clientY]) => {
  let turn = 0;
  const stage = document.elementFromPoint(clientX, clientY);
  const inside = stage.shadowRoot?.elementFromPoint(clientX, clientY) ?? stage;
  window.turning = setInterval(() => {
    const deltaY = turn++ % 120 < 60 ? -10 : 10;
    inside.dispatchEvent(new WheelEvent("wheel", { clientX, clientY, deltaY, bubbles: true, cancelable: true, composed: true }));
  }, 1000 / 120);
}"""


def generated(width: int, height: int) -> dict[str, bytes]:
    """Phantoms with detector noise of a few grey levels; without it they would compress too well."""
    noise = np.random.default_rng(0).normal(0, 6, (height, width))
    grey = make_phantom("bacterial", seed=3, height=height, width=width).pixels * 3900 + noise
    deep = np.clip(grey, 0, 4095).astype(np.uint16)
    return {"12 bits.dcm": dicom_bytes(deep, BitsStored=12), "8 bits.png": png((deep >> 4).astype(np.uint8))}


def frames(page, act, seconds: float) -> tuple[float, float]:
    """(frames per second, median milliseconds per frame) while `act(moment)` moves the mouse, `moment` running from 0 to 1."""
    page.evaluate("drawn.length = 0")
    began = time.perf_counter()
    while (past := time.perf_counter() - began) < seconds:
        act(past / seconds)
    spent = page.evaluate("drawn")
    return len(spent) / (time.perf_counter() - began), float(np.median(spent)) if spent else math.nan


def measure(page, seconds: float) -> list[tuple[str, float, float]]:
    box = page.locator(".stage").first.bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + min(box["height"], 500) / 2
    mouse, rows = page.mouse, []

    def held(button: str, act, title: str) -> None:
        mouse.move(x, y)
        mouse.down(button=button)
        rows.append((title, *frames(page, act, seconds)))
        mouse.up(button=button)

    def round_about(moment: float) -> None:
        mouse.move(x + 100 * math.cos(20 * moment), y + 100 * math.sin(20 * moment))

    mouse.move(x, y)
    page.evaluate(TURNS, [x, y])
    rows.append(("zoom", *frames(page, lambda moment: page.wait_for_timeout(50), seconds)))
    page.evaluate("clearInterval(turning)")
    page.keyboard.press("r")
    held("left", round_about, "window, whole picture")
    page.keyboard.press("r")
    for _ in range(5):
        page.keyboard.press("+")
    held("left", round_about, "window, zoomed in")
    held("middle", round_about, "move, zoomed in")
    page.keyboard.press("r")
    page.keyboard.press("p")
    held("left", round_about, "window, two panels")
    page.keyboard.press("p")
    page.keyboard.press("r")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--width", type=int, default=2000)
    parser.add_argument("--height", type=int, default=2500)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    pictures = generated(options.width, options.height) | {path.name: path.read_bytes() for path in options.files}
    slowest = math.inf
    with tempfile.TemporaryDirectory() as home, app(Path(home)) as url, running_chromium() as chromium:
        for name, data in pictures.items():
            with browser_page(chromium) as page:
                received: list[int] = []
                page.add_init_script(COUNT)
                page.on(
                    "websocket",
                    lambda socket, received=received: socket.on("framereceived", lambda frame: received.append(len(frame))),
                )
                page.goto(url, wait_until="domcontentloaded")
                page.get_by_role("button", name="Try it with generated phantoms").wait_for()
                settle(page)
                received.clear()
                page.locator('input[type="file"]').first.set_input_files(
                    {"name": name, "mimeType": "application/octet-stream", "buffer": data}
                )
                page.locator(".viewer[data-ready], [data-testid=stAlertContentError]").first.wait_for()
                settle(page)
                if not page.locator(".viewer[data-ready]").count():
                    print(f"{name}: not answered, so not shown")
                    continue
                first = sum(received)
                received.clear()
                rows = measure(page, options.seconds)
                meanwhile = sum(received)
                page.get_by_role("link", name="About").click()
                settle(page)
                print(
                    f"{name}: file {len(data) / 1e6:.2f} MB, sent {first / 1e6:.2f} MB until it stood "
                    f"({first / len(data):.2f} of the file), {meanwhile:d} bytes while the eye was at work"
                )
                for title, rate, spent in rows:
                    print(f"  {title:24} {rate:5.1f} frames a second, {rate / GOAL:.2f} of the goal; {spent:5.1f} ms to draw one")
                    slowest = min(slowest, rate)
    print(f"slowest: {slowest:.1f} frames a second; {GOAL} asked for")
    sys.exit(slowest < GOAL)


if __name__ == "__main__":
    main()
