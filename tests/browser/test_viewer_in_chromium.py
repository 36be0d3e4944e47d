"""The viewer in a real browser, with mouse and keys: what it shows is compared with values computed by hand."""

import re
from urllib.parse import urlsplit

import numpy as np
import pytest
from browser.running import needs_chromium, settle, wait_until
from browser.viewer_page import BARS, CENTRE, DEEP, DRAG, HOT, PHANTOM, SPAN, STORED, VALUES, WIDTH, greys
from makers import dicom_bytes, lut_item
from playwright.sync_api import expect

pytestmark = needs_chromium


def test_a_drag_changes_window_and_level_of_the_stored_values(watched):
    watched.drop(DEEP)
    np.testing.assert_allclose(watched.bars(), greys(CENTRE, WIDTH), atol=1)
    watched.drag(60, -25)  # wider; upwards is brighter: a lower centre
    centre, width = CENTRE - 25 * SPAN / DRAG, WIDTH + 60 * SPAN / DRAG
    assert f"centre {centre:.0f}, width {width:.0f}" in watched.readout
    np.testing.assert_allclose(watched.bars(), greys(centre, width), atol=1)
    # All 12 bits are used: a narrow window shows differences that 8 bits for the whole range would not.
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
    expect(chosen).to_have_value("set by hand")
    watched.page.locator('button[data-command="reset"]').click()
    watched.painted()
    assert not watched.pressed("invert")
    np.testing.assert_allclose(watched.bars(), greys(CENTRE, WIDTH), atol=1)


def test_a_file_with_a_table_opens_through_it_and_monochrome1_is_inverted(watched):
    table = lut_item([255 - i // 16 for i in range(4096)], 0, 8)
    data = dicom_bytes(STORED, BitsStored=12, VOILUTSequence=[table], PhotometricInterpretation="MONOCHROME1")
    watched.drop({**DEEP, "buffer": data})
    assert "table of the file (VOI LUT)" in watched.readout
    np.testing.assert_allclose(watched.bars(), VALUES // 16, atol=1)  # the table falls, and MONOCHROME1 inverts it
    watched.press("2")
    np.testing.assert_allclose(watched.bars(), 255 - np.rint(255 * (VALUES - 200) / SPAN), atol=1)


def test_the_wheel_zooms_about_the_pointer_and_shift_moves(watched):
    watched.drop(DEEP)
    middle = 2.5 / BARS  # centre of the third bar
    watched.page.mouse.move(*watched.at(middle, 0.5))
    for _ in range(2):
        watched.page.mouse.wheel(0, -120)
    watched.painted()
    zoom = watched.zoom
    assert zoom == pytest.approx(100 * np.exp(2 * 120 / 400), abs=1)
    greys_of_bars = greys(CENTRE, WIDTH)
    bar = zoom / 100 / BARS  # width of a bar, as a fraction of the stage
    for away in (-1, 0, 1):  # what was under the pointer stays there
        assert watched.pixel(middle + away * bar, 0.5)[0] == pytest.approx(greys_of_bars[2 + away], abs=1)
    watched.page.keyboard.down("Shift")
    watched.drag(bar * watched.stage()["width"], 0)
    watched.page.keyboard.up("Shift")
    assert watched.zoom == zoom
    assert watched.pixel(middle, 0.5)[0] == pytest.approx(greys_of_bars[1], abs=1)
    watched.page.mouse.dblclick(*watched.at(0.5, 0.5))
    watched.painted()
    assert watched.zoom == 100


def test_keys_do_everything_and_nothing_is_sent_to_the_server(watched):
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
    assert watched.zoom == 100  # never smaller than the whole picture
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
    expect(watched.page.locator("input.opacity")).to_have_value("70")
    watched.press("Shift+O")
    watched.press("m")
    expect(watched.page.locator("select.map")).to_have_value("inferno")
    watched.press("p")
    expect(watched.page.locator(".stage").nth(1)).to_be_visible()
    watched.press("p")
    watched.press("i")
    assert "inverted" in watched.readout
    expect(watched.page.locator("p.spoken")).to_contain_text("Invert black and white: on. Zoom 100 %")
    watched.press("r")  # a key with which Streamlit itself would rerun the page
    watched.drag(30, 30)
    watched.page.mouse.wheel(0, -200)
    watched.page.wait_for_timeout(500)
    assert (len(watched.sent), len(watched.asked)) == (before, asked)


def test_the_help_sheet_and_switching_single_keys_off(watched):
    watched.drop(DEEP)
    watched.press("?")
    sheet = watched.page.locator("dialog.help")
    expect(sheet).to_be_visible()
    text = sheet.inner_text()
    for part in ("Hide the heat while held", "Shift ←", "two fingers", "1 to 9"):
        assert part in text
    watched.press("i")  # ignored while the help is open
    sheet.get_by_role("checkbox").uncheck()
    watched.press("Escape")
    expect(sheet).to_be_hidden()
    watched.press("i")
    assert not watched.pressed("invert")
    watched.press("?")
    sheet.get_by_role("checkbox").check()
    sheet.get_by_role("button", name="Close").click()
    expect(sheet).to_be_hidden()
    watched.press("i")
    assert watched.pressed("invert"), (watched.readout, watched.page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))


def test_keys_do_nothing_while_somebody_types(watched):
    watched.drop(DEEP)
    watched.page.get_by_text("Note and agreement for the report").click()
    note = watched.page.get_by_label("Note", exact=True)
    note.fill("")
    note.press_sequentially("hiro")
    expect(note).to_have_value("hiro")
    assert not watched.pressed("invert")


def test_a_new_drop_opens_its_first_new_file_and_each_keeps_its_window(watched):
    watched.drop(DEEP)
    watched.drag(60, 0)
    moved = watched.readout
    watched.drop(HOT, PHANTOM)
    watched.page.locator(".case-name", has_text="hot.png (2 of 3)").wait_for()
    wait_until(watched.page, "document.querySelectorAll('.verdict').length == 1")
    settle(watched.page)
    assert "centre 128, width 255" in watched.readout
    expect(watched.page.locator(".viewer")).to_have_count(1)
    watched.page.get_by_role("button", name=re.compile("Previous")).click()
    watched.page.locator(".case-name", has_text="deep.dcm (1 of 3)").wait_for()
    settle(watched.page)
    watched.page.locator(".viewer[data-ready]").wait_for()
    watched.painted()
    assert watched.readout == moved


def test_no_request_to_another_computer_or_to_the_media_store(watched):
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
