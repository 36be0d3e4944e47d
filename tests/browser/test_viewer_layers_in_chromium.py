"""Heat, lines, panels, ruler and fingers in a real browser."""

import re

import pytest
from browser.running import fits_across, needs_chromium, settle
from browser.viewer_page import DEEP, DRAG, HOT, PHANTOM, SPAN, WIDTH, Watched
from playwright.sync_api import expect

pytestmark = needs_chromium


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
    watched.press("Shift+H")  # without heat, so that only lines are on the layer
    assert watched.covered() == 0
    watched.press("x")
    box = watched.covered()
    assert box > 100
    watched.press("x")
    lungs = watched.page.locator('button[data-command="lungs"]')
    if lungs.is_enabled():  # the segmenter accepts its outline of this phantom
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


def test_the_ruler_is_shown_if_the_file_has_a_pixel_spacing(watched):
    watched.drop(DEEP, HOT)
    ruler = watched.page.locator(".ruler").first
    expect(ruler).to_have_text(re.compile(r"^\d+ mm at the detector$"))
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
    expect(watched.page.locator(".ruler").first).to_be_hidden()
    expect(watched.page.locator('button[data-command="tool measure"]')).to_be_hidden()


def test_two_fingers_at_400_pixels(chromium, address):
    context = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True, is_mobile=True)
    context.set_default_timeout(60_000)
    page = context.new_page()
    watched = Watched(page, address)
    watched.drop(DEEP)
    fits_across(page)
    assert watched.pressed("tool pan")  # so a finger scrolls the page
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
