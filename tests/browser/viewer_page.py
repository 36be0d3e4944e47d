"""The viewer on a page, as its browser tests use it, and the pictures that they drop.

The tiny model answers (logit = 20 (mean grey - 0.5)), so a bright picture has heat everywhere in the box.
"""

import re

import numpy as np
from browser.running import settle
from makers import dicom_bytes, png_bytes

from pneumo.synthetic.phantom import make_phantom, phantom_png

BARS = 8
VALUES = 200 + 500 * np.arange(BARS)  # values of the bars, from left to right
STORED = np.tile(np.repeat(VALUES, 80), (480, 1)).astype(np.uint16)  # 480 x 640
SPAN = int(VALUES[-1] - VALUES[0])
CENTRE, WIDTH, DRAG = 2000.0, 3000.0, 500.0  # the file's first window; pixels of a drag for the whole span
ELEMENTS = {
    "BitsStored": 12,
    "WindowCenter": [CENTRE, 1000],
    "WindowWidth": [WIDTH, 400],
    "ImagerPixelSpacing": [0.2, 0.2],
}
DEEP = {"name": "deep.dcm", "mimeType": "application/dicom", "buffer": dicom_bytes(STORED, **ELEMENTS)}
PHANTOM = {
    "name": "phantom.png",
    "mimeType": "image/png",
    "buffer": phantom_png(make_phantom("bacterial", seed=3, height=480, width=640)),
}
SHADED = np.clip(np.tile(np.linspace(120, 255, 640), (480, 1)), 0, 255).astype(np.uint8)
HOT = {"name": "hot.png", "mimeType": "image/png", "buffer": png_bytes(SHADED)}


class Watched:
    """A page with the viewer, and the browser's requests, messages and errors meanwhile."""

    def __init__(self, page, url):
        self.page, self.url, self.asked, self.sent, self.complaints = page, url, [], [], []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: self.sent.append(frame)))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(url, wait_until="domcontentloaded")
        page.get_by_role("button", name="Try it with generated phantoms").wait_for()

    def drop(self, *files):
        self.page.locator('input[type="file"]').first.set_input_files(list(files))
        self.page.locator(".viewer[data-ready]").wait_for()
        settle(self.page)
        self.painted()

    def painted(self):
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def press(self, key):
        self.page.keyboard.press(key)
        self.painted()

    @property
    def readout(self) -> str:
        return self.page.locator(".readout").inner_text()

    @property
    def zoom(self) -> int:
        return int(re.search(r"Zoom (\d+) %", self.readout)[1])

    def pressed(self, name: str) -> bool:
        return self.page.locator(f'button[data-command="{name}"]').get_attribute("aria-pressed") == "true"

    def stage(self, number: int = 0) -> dict:
        return self.page.locator(".stage").nth(number).bounding_box()

    def at(self, across: float, down: float) -> tuple[float, float]:
        """Mouse coordinates of a place on the first stage, given in fractions of it."""
        box = self.stage()
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def drag(self, across: float, down: float, button: str = "left"):
        x, y = self.at(0.5, 0.5)
        self.page.mouse.move(x, y)
        self.page.mouse.down(button=button)
        self.page.mouse.move(x + across / 2, y + down / 2)
        self.page.mouse.move(x + across, y + down)
        self.page.mouse.up(button=button)
        self.painted()

    def pixel(self, across: float, down: float, layer: str = "greys", stage: int = 0) -> list[int]:
        """Red, green, blue, alpha at a place of a stage, given in fractions of it."""
        return (
            self.page.locator(f".stage canvas.{layer}")
            .nth(stage)
            .evaluate(
                "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1).data]",
                [across, down],
            )
        )

    def bars(self) -> list[int]:
        """The grey in the middle of each bar while the whole picture is on the stage."""
        box = self.stage()
        height, width = STORED.shape
        shown = min(box["width"], box["height"] * width / height) / box["width"]  # it may have black beside it
        return [self.pixel(0.5 + shown * ((bar + 0.5) / BARS - 0.5), 0.5)[0] for bar in range(BARS)]

    def covered(self) -> int:
        """The number of pixels of the upper layer that are not transparent."""
        return self.page.locator(".stage canvas.over").first.evaluate(
            "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data"
            ".filter((value, at) => at % 4 == 3 && value).length"
        )


def greys(centre: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, LINEAR, by hand."""
    return np.rint(255 * np.clip((VALUES - (centre - 0.5)) / (width - 1) + 0.5, 0, 1))
