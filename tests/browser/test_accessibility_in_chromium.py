"""Screen readers, keyboard and large text: axe-core on every page in its main states, and what axe cannot check."""

import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.running import VERDICT, app, browser_page, needs_chromium, settle
from makers import png_bytes
from phantom_sets import copy_set
from playwright.sync_api import Page, expect

from pneumo.labels import Zone
from pneumo.synthetic.phantom import make_phantom, phantom_png

pytestmark = needs_chromium

PICTURES = [
    {"name": f"{kind}.png", "mimeType": "image/png", "buffer": phantom_png(make_phantom(kind, seed=3, height=300, width=400))}
    for kind in ("bacterial", "none")
]
FLAT = {"name": "flat.png", "mimeType": "image/png", "buffer": png_bytes(np.full((300, 300), 255, np.uint8))}
LETTER = {"name": "letter.jpg", "mimeType": "image/jpeg", "buffer": b"Dear colleague"}


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    copy_set(home / "data", patients=3)
    folders = {f"PNEUMO_{name.upper()}_DIR": str(home / name) for name in ("data", "runs", "site")}
    with app(home, PNEUMO_RECORD=f"sqlite:///{home / 'record.sqlite'}", **folders) as address:
        yield address


@pytest.fixture
def page(chromium, url) -> Iterator[Page]:
    with browser_page(chromium, 1440, 900) as page:
        page.goto(url, wait_until="domcontentloaded")
        page.get_by_role("button", name="Try it with generated phantoms").wait_for()
        yield page


def drop(page: Page, *files: dict) -> None:
    page.locator('input[type="file"]').first.set_input_files(files)


def answered(page: Page, *files: dict) -> None:
    drop(page, *files)
    page.locator(".verdict").wait_for()
    page.locator('canvas[aria-label="radiograph with heatmap"]').wait_for()


def open_page(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()


def choose(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()


def second_opinion(page: Page) -> None:
    page.get_by_role("button", name="Second opinion").click()
    page.locator(".opinion").wait_for()


def open_case(page: Page) -> None:
    page.get_by_text("More about this answer").click()
    page.get_by_role("button", name="Keys and gestures").click()


def close_help(page: Page) -> None:
    page.get_by_role("button", name="Close").click()


def fill_worklist(page: Page) -> None:
    drop(page, *PICTURES, LETTER)
    page.get_by_role("heading", name="Without an answer").wait_for()


STATES: dict[str, Callable[[Page], None]] = {  # each starts from the one before
    "Diagnose, empty": lambda page: None,
    "Diagnose, an answer": lambda page: answered(page, PICTURES[0]),
    "Diagnose, details and help": open_case,
    "Diagnose, second opinion": lambda page: (close_help(page), second_opinion(page)),
    "Diagnose, filmstrip": lambda page: (drop(page, PICTURES[1]), page.get_by_text("2 of 2", exact=True).wait_for()),
    "Diagnose, not answered": lambda page: (drop(page, FLAT), page.get_by_text("The picture that was refused").wait_for()),
    "Diagnose, not read": lambda page: (drop(page, LETTER), page.get_by_text("Not read:").wait_for()),
    "Worklist, empty": lambda page: open_page(page, "Worklist"),
    "Worklist, rows": fill_worklist,
    "History": lambda page: open_page(page, "History"),
    "Monitoring": lambda page: open_page(page, "Monitoring"),
    "Dataset, gallery": lambda page: open_page(page, "Dataset"),
    "Dataset, classes": lambda page: choose(page, "Compare classes"),
    "Dataset, averages": lambda page: choose(page, "Class averages"),
    "Dataset, quiz": lambda page: choose(page, "Quiz"),
    "Dataset, get data": lambda page: choose(page, "Get data"),
    "Dataset, audit": lambda page: choose(page, "Audit"),
    "Train, idle": lambda page: open_page(page, "Train"),
    "Metrics": lambda page: open_page(page, "Metrics"),
    "Metrics, every section": lambda page: (choose(page, "Everything"), page.get_by_text("Each plot has its own PNG").wait_for()),
    "Site": lambda page: open_page(page, "Site"),
    "About": lambda page: open_page(page, "About"),
}


def grave_findings(page: Page) -> list[str]:
    """What axe calls critical or serious. Streamlit's own elements need no exception."""
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("critical", "serious")
        for node in violation["nodes"]
    ]


def out_of_sight(page: Page) -> list[str]:
    """Elements that reach past the right edge and are not in a box that scrolls."""
    return page.evaluate("""() => [...document.querySelectorAll('#stMain *')].filter(element => {
        if (element.getBoundingClientRect().right <= innerWidth + 1 || !element.checkVisibility()) return false
        for (let box = element.parentElement; box.id != 'stMain'; box = box.parentElement)
            if (getComputedStyle(box).overflowX != 'visible' && box.getBoundingClientRect().right <= innerWidth + 1) return false
        return true
    }).map(element => element.outerHTML.slice(0, 200))""")


def out_of_sight_at_last(page: Page) -> list[str]:
    """The same after the page had time for its new width: on a busy machine tables follow it late."""
    for _ in range(25):
        page.wait_for_timeout(200)
        if not (lost := out_of_sight(page)):
            break
    return lost


@pytest.mark.long
def test_axe_finds_nothing_serious_and_nothing_is_cut_off_at_twice_the_size(page):
    """200 % on a screen 1440 wide is 720 pixels of CSS."""
    page.add_style_tag(content="* { transition: none !important }")  # elements that fade in have little contrast at first
    graves, lost = {}, {}
    for name, lead_to in STATES.items():
        lead_to(page)
        settle(page)
        expect(page.locator('[data-testid="stException"]'), name).to_have_count(0)
        graves[name] = grave_findings(page)
        page.set_viewport_size({"width": 720, "height": 450})
        lost[name] = out_of_sight_at_last(page)
        page.set_viewport_size({"width": 1440, "height": 900})
    assert [f"{name}: {each}" for name, findings in graves.items() for each in findings] == []
    assert [f"{name}: {each}" for name, elements in lost.items() for each in elements] == []


def test_each_new_answer_is_announced_to_screen_readers(page):
    """The region exists before the first answer and stays, because a new region would not be announced."""
    region = page.locator(".answer[role=status]")
    region.wait_for(state="attached")
    region.evaluate("element => element.first = true")
    for number, picture in enumerate(PICTURES, start=1):
        drop(page, picture)
        page.locator(".answer").filter(has_text=f"{number} of {number}").wait_for()
        zones = "|".join(zone.in_words for zone in Zone)
        said = (
            rf"{number} of {number}: (NORMAL|INDETERMINATE|PNEUMONIA) ({zones}) probability of pneumonia (above |below )?0\.\d\d "
        )
        expect(region).to_have_text(re.compile(rf"^{said}where 50 % of the patients have it$"))
        assert region.evaluate("element => element.first")
        verdict = region.get_by_role("heading", level=2)
        expect(verdict).to_have_text(VERDICT)


def test_the_first_tab_stop_skips_to_the_content(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "stMain"


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (400, 850)])
def test_the_answer_is_visible_without_scrolling(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    for files in (1, 2):
        drop(page, PICTURES[files - 1])
        page.get_by_text(f"({files} of {files})").wait_for()
        page.get_by_text("A generated phantom").wait_for()  # for an X-ray, rates of similar children are shown here
        settle(page)
        fold = page.locator(".disclaimer").bounding_box()
        assert fold["height"] < 32  # one line
        assert page.locator('[data-testid="stFileUploader"]').bounding_box()["height"] < 40  # likewise
        for part in (".verdict", ".zone-words", ".probability", ".st-key-case_answer .stAlert", ".chips"):
            place = page.locator(part).bounding_box()
            assert place["y"] + place["height"] <= fold["y"], part
