"""Text on paper: wrapped by the font's own widths, cut with a visible mark, never lost or overflowing."""

import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import islice

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

FAMILY = "DejaVu Sans"  # comes with Matplotlib, so that a report looks alike everywhere; Latin, Greek, Cyrillic, Arabic
CUT = " [cut: no room for more]"
MISSING = "□"  # stands for a character the font has not
_LONGEST = 400  # characters of one line, whatever their widths


def printable(text: str) -> str:
    """`text` with spaces for control characters (line ends kept) and MISSING for what the font cannot draw."""
    known = _characters()

    def drawn(character: str) -> str:
        if character == "\n" or ord(character) in known:
            return character
        return " " if unicodedata.category(character) == "Cc" else MISSING

    return "".join(map(drawn, text.replace("\r\n", "\n")))


def fitted(text: str, size: float, width: float, lines: int, weight: str = "normal") -> list[str]:
    """At most `lines` (>= 1) lines of at most `width` points, set at `size` points; CUT ends the last of a longer text."""
    found = list(islice(_wrapped(printable(text), size, width, weight), lines + 1))
    if len(found) <= lines:
        return found
    return [*found[: lines - 1], _start(found[lines - 1], size, width, weight, CUT).rstrip() + CUT]


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Points."""
    font = FontProperties(family=FAMILY, size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def _wrapped(text: str, size: float, width: float, weight: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if _fits(longer, size, width, weight):
                line = longer
                continue
            if line:
                yield line
            while not _fits(word, size, width, weight):
                part = _start(word, size, width, weight)
                yield part
                word = word[len(part) :]
            line = word
        yield line


def _start(text: str, size: float, width: float, weight: str, end: str = "") -> str:
    """The longest start of `text` that fits with `end` behind it; at least one character."""
    low, high = 1, min(len(text), _LONGEST)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(text[:middle] + end, size, width, weight) else (low, middle - 1)
    return text[:low]


def _fits(text: str, size: float, width: float, weight: str) -> bool:
    return len(text) <= _LONGEST and text_width(text, size, weight) <= width


@cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=FAMILY))).get_charmap())
