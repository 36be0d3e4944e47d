"""A person using the app with a mouse, with the keyboard alone, or with a finger on a phone; every act is counted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from browser.running import browser_page, settle
from playwright.sync_api import Browser, Locator, Page

_STOPS = 150  # tab stops of a page at most
_FOCUSED = "element => element == document.activeElement || element.contains(document.activeElement)"


class Hands:
    """With a mouse. `acts` counts clicks and typed texts, and every key that is not part of a typed text."""

    viewport = (1440, 900)
    touch = False
    user_agent: str | None = None  # the browser's own

    def __init__(self, page: Page):
        self.page, self.acts, self._began = page, 0, time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the first page was loaded."""
        return time.monotonic() - self._began

    def press(self, control: Locator) -> None:
        self.acts += 1
        control.click()

    def give(self, button: Locator, *files: dict) -> None:
        """Choose files in the dialogue that `button` opens."""
        with self.page.expect_file_chooser() as chooser:
            self.press(button)
        chooser.value.set_files(files)

    def write(self, field: Locator, text: str) -> None:
        self.press(field)
        self.acts += 1
        field.press_sequentially(text)
        field.press("Tab")  # a text field sends its text when it loses the focus

    def choose(self, question: str, answer: str) -> None:
        """One of several round buttons."""
        self.press(self.page.get_by_role("radiogroup", name=question).get_by_text(answer, exact=True))

    def open_page(self, name: str) -> None:
        self.press(self.page.get_by_role("link", name=name, exact=True))
        self.page.get_by_role("heading", name=name, exact=True).wait_for()
        settle(self.page)

    def show_sidebar(self) -> None:
        """On a phone it is opened with a button."""

    def hide_sidebar(self) -> None:
        """On a phone it covers the page."""

    def command(self, name: str, key: str) -> None:
        """A command of the viewer: its button `name`, or its `key`."""
        self.press(self.page.locator(f'.viewer button[data-command="{name}"]'))

    def next_file(self) -> None:
        self.press(self.page.get_by_role("button", name="Next"))

    def open_first_row(self) -> None:
        """Of the worklist, which is drawn on a canvas: click Open in the row."""
        box = self._table()
        self.acts += 1
        self.page.mouse.click(box["x"] + 360, box["y"] + 35 + 28)

    def _table(self) -> dict:
        self.page.get_by_role("button", name="Open in Diagnose").wait_for()
        settle(self.page)
        table = self.page.locator('[data-testid="stDataFrame"]').first
        table.scroll_into_view_if_needed()
        return table.bounding_box()


class Finger(Hands):
    """On a phone."""

    viewport = (400, 860)
    touch = True
    user_agent = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"

    def press(self, control: Locator) -> None:
        self.acts += 1
        control.tap()

    def open_page(self, name: str) -> None:
        self.show_sidebar()
        super().open_page(name)

    def show_sidebar(self) -> None:
        self.press(self.page.get_by_test_id("stExpandSidebarButton"))

    def hide_sidebar(self) -> None:
        self.press(self.page.get_by_test_id("stSidebarCollapseButton").get_by_role("button"))

    def open_first_row(self) -> None:
        box = self._table()
        self.acts += 1
        self.page.touchscreen.tap(box["x"] + 250, box["y"] + 35 + 28)
        self.press(self.page.get_by_role("button", name="Open in Diagnose", disabled=False))


class Keys(Hands):
    """The keyboard alone: Tab to a control, Enter or Space on it, the viewer's keys, arrows in a table."""

    def stroke(self, key: str) -> None:
        self.acts += 1
        self.page.keyboard.press(key)

    def reach(self, control: Locator) -> None:
        control.wait_for()
        for _ in range(_STOPS):
            if control.evaluate(_FOCUSED):
                return
            self.stroke("Tab")
        raise AssertionError(f"no tab stop reaches {control}")

    def press(self, control: Locator) -> None:
        self.reach(control)
        self.stroke("Space" if control.get_attribute("role") in ("radio", "checkbox", "tab") else "Enter")

    def choose(self, question: str, answer: str) -> None:
        group = self.page.get_by_role("radiogroup", name=question)
        self.reach(group)
        for _ in range(group.get_by_role("radio").count()):
            if group.get_by_role("radio", name=answer, exact=True).is_checked():
                return
            self.stroke("ArrowDown")
            settle(self.page)
        assert group.get_by_role("radio", name=answer, exact=True).is_checked()

    def write(self, field: Locator, text: str) -> None:
        self.reach(field)
        self.acts += 1
        self.page.keyboard.type(text)
        self.stroke("Tab")

    def command(self, name: str, key: str) -> None:
        self.stroke(key)

    def next_file(self) -> None:
        self.stroke("ArrowRight")

    def open_first_row(self) -> None:
        self._table()
        self.reach(self.page.get_by_test_id("data-grid-canvas").first)
        for key in ("ArrowDown", "ArrowUp"):
            self.stroke(key)
            settle(self.page)
        self.page.get_by_role("button", name="Open in Diagnose", disabled=False).wait_for()
        self.stroke("o")


HANDS = {"mouse": Hands, "keys": Keys, "touch": Finger}


@contextmanager
def person(browser: Browser, kind: str, url: str) -> Iterator[Hands]:
    """A new visitor on the page at `url`."""
    hands = HANDS[kind]
    width, height = hands.viewport
    options = {"has_touch": hands.touch, "is_mobile": hands.touch, "user_agent": hands.user_agent}
    with browser_page(browser, width, height, **options) as page:
        page.goto(url, wait_until="domcontentloaded")
        page.get_by_role("heading", level=1).wait_for()
        settle(page)
        yield hands(page)
