"""The viewer in a real browser, with mouse, keys and fingers: what it shows is compared with values computed by hand.

The tiny model answers (logit = 20 (mean grey - 0.5)), so that a bright picture has heat wherever it looks.
"""

import re
from urllib.parse import urlsplit

import numpy as np
import pytest
from browser.running import app, browser_page, needs_chromium, settle, wait_until
from makers import dicom_bytes, lut_item, png_bytes
from opened_parcel import opened
from tiny_model import make_registry

from pneumo.imaging.windowing import windowed
from pneumo.synthetic.phantom import make_phantom, phantom_png
from pneumo.ui.diagnose.parcel import pack

pytestmark = needs_chromium

BARS = 8
VALUES = 200 + 500 * np.arange(BARS)  # of the bars, from left to right
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


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with app(home, PNEUMO_MODELS_DIR=str(make_registry(tmp_path_factory.mktemp("models")))) as url:
        yield url


class Watched:
    """A page on which the viewer stands, and what the browser said and asked meanwhile."""

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
        """A place of the first stage, in fractions of it, as a mouse goes there."""
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
        """Red, green, blue, cover at a place of a stage, in fractions of it."""
        return (
            self.page.locator(f".stage canvas.{layer}")
            .nth(stage)
            .evaluate(
                "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1).data]",
                [across, down],
            )
        )

    def bars(self) -> list[int]:
        """The grey in the middle of each bar, the picture being whole on the stage."""
        box = self.stage()
        height, width = STORED.shape
        shown = min(box["width"], box["height"] * width / height) / box["width"]  # it may have black beside it
        return [self.pixel(0.5 + shown * ((bar + 0.5) / BARS - 0.5), 0.5)[0] for bar in range(BARS)]

    def covered(self) -> int:
        """Pixels of the upper layer that are not clear."""
        return self.page.locator(".stage canvas.over").first.evaluate(
            "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data"
            ".filter((value, at) => at % 4 == 3 && value).length"
        )


@pytest.fixture
def watched(chromium, address):
    with browser_page(chromium) as page:
        yield Watched(page, address)


def greys(centre: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, LINEAR, by hand."""
    return np.rint(255 * np.clip((VALUES - (centre - 0.5)) / (width - 1) + 0.5, 0, 1))


def test_a_drag_changes_window_and_level_of_the_true_values(watched):
    watched.drop(DEEP)
    np.testing.assert_allclose(watched.bars(), greys(CENTRE, WIDTH), atol=1)
    watched.drag(60, -25)  # wider; upwards is brighter: a lower centre
    centre, width = CENTRE - 25 * SPAN / DRAG, WIDTH + 60 * SPAN / DRAG
    assert f"centre {centre:.0f}, width {width:.0f}" in watched.readout
    np.testing.assert_allclose(watched.bars(), greys(centre, width), atol=1)
    # 12 bits are all there: a window of 300 units parts two bars that 8 bits of the whole range would still tell apart by 31.
    watched.press("2")
    np.testing.assert_allclose(watched.bars(), greys(1000, 400), atol=1)
    watched.press("3")
    np.testing.assert_allclose(watched.bars(), np.rint(255 * (VALUES - 200) / SPAN), atol=1)  # full range
    watched.press("r")
    np.testing.assert_allclose(watched.bars(), greys(CENTRE, WIDTH), atol=1)


def test_the_list_of_windows_and_invert(watched):
    watched.drop(DEEP)
    chosen = watched.page.locator("select.preset")
    chosen.select_option(index=1)
    watched.painted()
    np.testing.assert_allclose(watched.bars(), greys(1000, 400), atol=1)
    watched.press("i")
    assert watched.pressed("invert")
    np.testing.assert_allclose(watched.bars(), 255 - greys(1000, 400), atol=1)
    watched.drag(10, 0)
    assert chosen.input_value() == "set by hand"
    watched.page.locator('button[data-command="reset"]').click()
    watched.painted()
    assert not watched.pressed("invert")
    np.testing.assert_allclose(watched.bars(), greys(CENTRE, WIDTH), atol=1)


def test_a_file_with_a_table_opens_through_it_and_monochrome1_is_turned(watched):
    table = lut_item([255 - i // 16 for i in range(4096)], 0, 8)
    data = dicom_bytes(STORED, BitsStored=12, VOILUTSequence=[table], PhotometricInterpretation="MONOCHROME1")
    watched.drop({**DEEP, "buffer": data})
    assert "table of the file (VOI LUT)" in watched.readout
    np.testing.assert_allclose(watched.bars(), VALUES // 16, atol=1)  # the table falls, and MONOCHROME1 turns it
    watched.press("2")
    np.testing.assert_allclose(watched.bars(), 255 - np.rint(255 * (VALUES - 200) / SPAN), atol=1)


def test_the_wheel_zooms_about_the_pointer_and_shift_moves(watched):
    watched.drop(DEEP)
    middle = 2.5 / BARS  # of the third bar
    watched.page.mouse.move(*watched.at(middle, 0.5))
    for _ in range(2):
        watched.page.mouse.wheel(0, -120)
    watched.painted()
    zoom = watched.zoom
    assert zoom == pytest.approx(100 * np.exp(2 * 120 / 400), abs=1)
    greys_of_bars = greys(CENTRE, WIDTH)
    bar = zoom / 100 / BARS  # wide, in fractions of the stage
    for away in (-1, 0, 1):  # what lay under the pointer stays there
        assert watched.pixel(middle + away * bar, 0.5)[0] == pytest.approx(greys_of_bars[2 + away], abs=1)
    watched.page.keyboard.down("Shift")
    watched.drag(bar * watched.stage()["width"], 0)
    watched.page.keyboard.up("Shift")
    assert watched.zoom == zoom
    assert watched.pixel(middle, 0.5)[0] == pytest.approx(greys_of_bars[1], abs=1)
    watched.page.mouse.dblclick(*watched.at(0.5, 0.5))
    watched.painted()
    assert watched.zoom == 100


def test_keys_do_it_all_and_nothing_goes_to_the_server(watched):
    watched.drop(DEEP)
    before, asked = len(watched.sent), len(watched.asked)
    watched.press("+")
    assert watched.zoom == 125
    for _ in range(3):
        watched.press("+")
    place, places = watched.pixel(0.5, 0.5), []
    for key in ("ArrowLeft", "ArrowRight"):
        for _ in range(4):
            watched.press(f"Shift+{key}")
        places.append(watched.pixel(0.5, 0.5))
    assert places[0][0] < place[0]  # the bars to the left are darker
    assert places[1] == place
    for _ in range(5):
        watched.press("-")
    assert watched.zoom == 100  # never smaller than whole
    watched.press("b")
    assert f"centre {CENTRE - 25 * SPAN / DRAG:.0f}, width {WIDTH:.0f}" in watched.readout
    watched.press("Shift+B")
    watched.press("c")
    assert f"centre {CENTRE:.0f}, width {WIDTH - 25 * SPAN / DRAG:.0f}" in watched.readout
    watched.press("Shift+C")
    for key, name in (("l", "contours"), ("x", "box"), ("Shift+H", "heat")):
        was = watched.pressed(name)
        watched.press(key)
        assert watched.pressed(name) is not was, name
    for key, name in (("g", "pan"), ("z", "zoom"), ("k", "measure"), ("w", "window")):
        watched.press(key)
        assert watched.pressed(f"tool {name}")
    watched.press("o")
    assert watched.page.locator("input.opacity").input_value() == "70"
    watched.press("Shift+O")
    watched.press("m")
    assert watched.page.locator("select.map").input_value() == "inferno"
    watched.press("p")
    assert watched.page.locator(".stage").nth(1).is_visible()
    watched.press("p")
    watched.press("i")
    assert "inverted" in watched.readout
    assert "Invert black and white: on. Zoom 100 %" in watched.page.locator("p.spoken").inner_text()
    watched.press("r")  # which runs the page anew by Streamlit's own keys
    watched.drag(30, 30)
    watched.page.mouse.wheel(0, -200)
    watched.page.wait_for_timeout(500)
    assert (len(watched.sent), len(watched.asked)) == (before, asked)


def test_the_help_sheet_and_switching_single_keys_off(watched):
    watched.drop(DEEP)
    watched.press("?")
    sheet = watched.page.locator("dialog.help")
    assert sheet.is_visible()
    text = sheet.inner_text()
    for part in ("Hide the heat while held", "Shift ←", "two fingers", "1 to 9"):
        assert part in text
    watched.press("i")  # not while it is read
    sheet.get_by_role("checkbox").uncheck()
    watched.press("Escape")
    assert not sheet.is_visible()
    watched.press("i")
    assert not watched.pressed("invert")
    watched.press("?")
    sheet.get_by_role("checkbox").check()
    sheet.get_by_role("button", name="Close").click()
    sheet.wait_for(state="hidden")
    watched.press("i")
    assert watched.pressed("invert"), (watched.readout, watched.page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))


def test_keys_are_left_alone_where_somebody_types(watched):
    watched.drop(DEEP)
    watched.page.get_by_text("Note and agreement for the report").click()
    note = watched.page.get_by_label("Note", exact=True)
    note.fill("")
    note.press_sequentially("hiro")
    assert note.input_value() == "hiro"
    assert not watched.pressed("invert")


def test_heat_hides_while_h_is_held_and_comes_back(watched):
    watched.drop(HOT)
    covered = watched.covered()
    assert covered > 1000
    place = watched.pixel(0.5, 0.5, "over")
    watched.page.keyboard.down("h")
    watched.painted()
    assert watched.covered() == 0
    assert watched.pixel(0.5, 0.5)[3] == 255  # the greys stay
    watched.page.keyboard.up("h")
    watched.painted()
    assert watched.covered() == covered
    watched.page.locator('button[data-command="heat"]').click()
    watched.painted()
    assert watched.covered() == 0
    watched.page.locator('button[data-command="heat"]').click()
    watched.page.locator("input.opacity").fill("100")
    watched.painted()
    assert watched.pixel(0.5, 0.5, "over")[3] == pytest.approx(place[3] / 0.6, abs=3)
    watched.page.locator("select.map").select_option("viridis")
    watched.painted()
    assert watched.pixel(0.5, 0.5, "over")[:3] != place[:3]


def test_contours_lungs_and_box_are_drawn_on_request(watched):
    watched.drop(PHANTOM)
    watched.press("Shift+H")  # without heat, so that nothing but lines is on the layer
    assert watched.covered() == 0
    watched.press("x")
    box = watched.covered()
    assert box > 100
    watched.press("x")
    lungs = watched.page.locator('button[data-command="lungs"]')
    if lungs.is_enabled():  # the segmenter believes its outline of this phantom
        watched.press("u")
        assert watched.covered() > 100
        watched.press("u")
    assert watched.covered() == 0


def test_two_panels_move_together(watched):
    watched.drop(HOT)
    watched.press("p")
    assert watched.page.locator(".stage canvas.greys").nth(1).get_attribute("aria-label") == "radiograph"
    watched.page.mouse.move(*watched.at(0.3, 0.4))
    watched.page.mouse.wheel(0, -200)
    watched.painted()
    assert watched.zoom > 150
    same = "(canvas) => Array.from(canvas.getContext('2d').getImageData(0, 0, 200, 200).data).join()"
    first, second = (watched.page.locator(".stage canvas.greys").nth(n).evaluate(same) for n in (0, 1))
    assert first == second
    assert watched.covered() > 1000
    assert watched.pixel(0.5, 0.5, "over", stage=1)[3] == 0  # plain


def test_the_ruler_is_there_where_the_file_tells_lengths(watched):
    watched.drop(DEEP, HOT)
    ruler = watched.page.locator(".ruler").first
    assert re.fullmatch(r"\d+ mm at the detector", ruler.inner_text())
    for _ in range(2):
        mm = int(ruler.inner_text().split()[0])
        box = watched.stage()
        scale = min(box["width"] / 640, box["height"] / 480) * watched.zoom / 100
        assert ruler.bounding_box()["width"] == pytest.approx(mm / 0.2 * scale, rel=0.02)
        watched.press("+")
    watched.press("r")
    watched.press("k")
    assert watched.pressed("tool measure")
    watched.press("Shift+H")
    watched.drag(100, 0)
    assert watched.covered() > 50
    watched.page.get_by_role("button", name=re.compile("Next")).click()
    settle(watched.page)
    watched.page.locator(".viewer[data-ready]").wait_for()
    assert watched.page.locator(".ruler").first.is_hidden()
    assert watched.page.locator('button[data-command="tool measure"]').is_hidden()


def test_a_new_drop_opens_its_first_new_file_and_each_keeps_its_window(watched):
    watched.drop(DEEP)
    watched.drag(60, 0)
    moved = watched.readout
    watched.drop(HOT, PHANTOM)
    watched.page.locator(".case-name", has_text="hot.png (2 of 3)").wait_for()
    wait_until(watched.page, "document.querySelectorAll('.verdict').length == 1")
    settle(watched.page)
    assert "centre 128, width 255" in watched.readout
    assert watched.page.locator(".viewer").count() == 1
    watched.page.get_by_role("button", name=re.compile("Previous")).click()
    watched.page.locator(".case-name", has_text="deep.dcm (1 of 3)").wait_for()
    settle(watched.page)
    watched.page.locator(".viewer[data-ready]").wait_for()
    watched.painted()
    assert watched.readout == moved


def test_nothing_is_asked_of_any_other_computer_nor_of_the_media_store(watched):
    watched.drop(DEEP)
    for key in ("l", "p", "i", "+", "?"):
        watched.press(key)
    own = re.compile(rf"{watched.url}/|{watched.url.replace('http', 'ws')}/|data:|blob:{watched.url}/")
    assert [url for url in watched.asked if not own.match(url)] == []
    assert [url for url in watched.asked if urlsplit(url).path.startswith("/media/")] == []
    assert watched.complaints == []
    policy = watched.page.request.get(watched.url).headers["content-security-policy"]
    assert "script-src 'self' 'sha256-" in policy
    assert "blob:" not in policy.partition("script-src")[2].partition(";")[0]
    assert "unsafe-eval" not in policy


def test_two_fingers_at_400_pixels(chromium, address):
    context = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True, is_mobile=True)
    context.set_default_timeout(60_000)
    page = context.new_page()
    watched = Watched(page, address)
    watched.drop(DEEP)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert watched.pressed("tool pan")  # so that a finger scrolls the page
    stage = page.locator(".stage").first
    stage.scroll_into_view_if_needed()
    assert stage.evaluate("element => element.style.touchAction") == "pan-y"
    x, y = watched.at(0.5, 0.5)
    touch = context.new_cdp_session(page)

    def fingers(kind: str, *apart: float):
        touch.send(
            "Input.dispatchTouchEvent",
            {
                "type": kind,
                "touchPoints": [
                    {"x": x + sign * half, "y": y, "id": number} for half in apart for number, sign in enumerate((-1, 1))
                ],
            },
        )

    fingers("touchStart", 30)
    for half in (40, 50, 60, 75, 90):
        fingers("touchMove", half)
    fingers("touchEnd")
    watched.painted()
    assert watched.zoom == pytest.approx(300, abs=25)  # from 60 to 180 pixels apart
    assert stage.evaluate("element => element.style.touchAction") == "none"  # now a finger moves the picture
    page.locator('button[data-command="tool window"]').tap()
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + 40, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    watched.painted()
    assert f"width {WIDTH + 40 * SPAN / DRAG:.0f}" in watched.readout
    for button in page.locator(".viewer button:visible").all():
        assert button.bounding_box()["height"] >= 24
    context.close()


def module(page, name: str, expression: str, given=None):
    """What a function of one of the viewer's own modules says; `m` is the module, `given` what it is given."""
    address = f"/_stcore/bidi-components/pneumo.viewer/{name}"
    return page.evaluate(f"async (given) => {{ const m = await import('{address}'); return {expression}; }}", given)


def test_the_modules_alone(watched):
    """Pure functions, without a picture on the page."""
    watched.drop(DEEP)
    page = watched.page

    values = [float(value) for value in (-50, 0, 99, 99.5, 100, 150.5, 4000)]
    for name in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        for centre, width in ((100.0, 101.0), (100.0, 1.0), (100.0, 0.5), (2048.0, 4096.0)):
            there = module(
                page,
                "windowing.js",
                "given[0].map(v => m.windowed(v, given[1], given[2], given[3]))",
                [values, centre, width, name],
            )
            np.testing.assert_allclose(there, windowed(np.array(values), centre, width, name), atol=1e-6)

    rng = np.random.default_rng(0)
    arrays = {"a": rng.integers(0, 2**16, (7, 5), np.uint16), "b": rng.integers(0, 256, (3, 4, 4), np.uint8)}
    parcel = pack({"key": "ä"}, arrays)
    there = module(
        page,
        "parcel.js",
        "(({header, arrays}) => [header.key, [...arrays.a.data], [...arrays.b.data], arrays.b.shape])"
        "(await m.open(Uint8Array.from(given)))",
        list(parcel),
    )
    assert there == ["ä", arrays["a"].ravel().tolist(), arrays["b"].ravel().tolist(), [3, 4, 4]]
    assert opened(parcel)[0] == {"key": "ä"}

    levels = module(
        page,
        "pyramid.js",
        "m.pyramid({width: 600, height: 4, data: Uint16Array.from(given)}).map(l => [l.width, l.height, l.data[0], l.data[1]])",
        np.tile(np.arange(600) * 100, 4).tolist(),
    )
    assert levels == [[600, 4, 0, 100], [300, 2, 50, 250], [150, 1, 150, 550]]
    assert module(page, "pyramid.js", "[4, 1, .75, .7, .5, .25, .001].map(scale => m.levelFor(scale, 4))") == [0, 0, 0, 1, 1, 2, 3]

    stage, picture = {"width": 400, "height": 300}, {"width": 1000, "height": 500}
    there = module(page, "view.js", "m.placed(m.WHOLE, given[0], given[1])", [stage, picture])
    assert there == {"scale": 0.4, "left": 0, "top": 50}
    zoomed = module(page, "view.js", "m.zoomed(m.WHOLE, 2, {x: 100, y: 150}, given[0], given[1])", [stage, picture])
    assert zoomed == {"zoom": 2, "x": 0.375, "y": 0.5}  # (100 px is at a quarter of the picture, and stays there)
    far = module(page, "view.js", "m.panned({zoom: 2, x: .375, y: .5}, 9999, 0, given[0], given[1])", [stage, picture])
    assert far["x"] == 0.25  # no gap at the left

    assert module(page, "ruler.js", "[m.ruler(.14, 200), m.ruler(.2, 100), m.ruler(1, 9)].map(r => r.mm)") == [20, 20, 5]
    assert module(page, "ruler.js", "m.distance({x: 0, y: 0}, {x: .3, y: .4}, {width: 100, height: 100}, .2)") == pytest.approx(10)

    drawn = """(() => {
        const canvas = new OffscreenCanvas(256, 11);
        const colours = new Uint8Array(1024).map((_, at) => [200, 100, 0, at >> 2][at % 4]);
        m.drawLegend(canvas, colours, 0.5, []);
        return [255, 0].flatMap((x) => [...canvas.getContext("2d").getImageData(x, 10, 1, 1).data]);
    })()"""
    legend = module(page, "legend.js", drawn)
    assert legend == [228, 178, 128, 255, 255, 255, 255, 255]  # white under half of (200, 100, 0), and white without heat

    keys = module(page, "commands.js", "m.COMMANDS.flatMap(c => c.keys)")
    assert len(keys) == len(set(keys))
    names = module(page, "tools.js", "[Object.keys(m.TOOLS), Object.values(m.GESTURES)]")
    assert set(names[1]) - {"chosen", "pinch", "wheel", "fit"} <= set(names[0])
