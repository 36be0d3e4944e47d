"""PDF sheets laid out with fpdf2: embedded fonts, wrapped text that never overflows, tables."""

import logging
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

import matplotlib
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos
from fpdf.fonts import FontFace, TTFFont

from pneumo import __version__
from pneumo.reporting.chart import PAPER

for _library in ("fontTools", "fpdf"):
    logging.getLogger(_library).setLevel(logging.ERROR)  # they log characters of the text, which may be a patient's name

FAMILY = "DejaVu Sans"  # shipped with Matplotlib, so the same everywhere; Latin, Greek, Cyrillic, Hebrew, Arabic
CUT = " [cut: no room for more]"
MISSING = "□"  # replaces a character that the font lacks
WIDTH, HEIGHT = 595.0, 842.0  # A4; all lengths are in points of 1/72 inch
LEFT, RIGHT, TOP, BOTTOM = 42.0, 553.0, 38.0, 800.0
_LEADING = 1.36  # line height in font sizes
_LONGEST = 6000  # characters of a paragraph, more than a page holds
_LINE = 400  # characters, more than a line holds
_PILE = re.compile("([\u0300-\u036f]{3})[\u0300-\u036f]+")  # stacked accents that would cover other text


class Sheet(FPDF):
    """Filled from the top down, at `y`. Accepts any text."""

    def __init__(self, title: str) -> None:
        super().__init__(unit="pt", format=(WIDTH, HEIGHT))
        self.set_margins(LEFT, TOP, WIDTH - RIGHT)
        self.set_auto_page_break(True, HEIGHT - BOTTOM)
        self.c_margin = 0.0
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(FAMILY, style, Path(matplotlib.get_data_path(), "fonts", "ttf", name))
        self.set_text_shaping(True)  # joins Arabic letters and orders right-to-left text
        self.set_title(title)
        self.set_creator(f"Pneumo {__version__}")
        self._drawable = frozenset(cast(TTFFont, self.fonts[FAMILY.lower()]).cmap)
        self.add_page()

    def style(self, size: float, tone: str = "ink", bold: bool = False) -> None:
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(PAPER[tone])

    def printable(self, text: str) -> str:
        """`text` with spaces for control characters (except line ends) and MISSING for characters that cannot be drawn."""

        def drawn(character: str) -> str:
            if character == "\n" or ord(character) in self._drawable:
                return character
            return " " if unicodedata.category(character) == "Cc" else MISSING

        return _PILE.sub(rf"\1{MISSING}", "".join(map(drawn, text.replace("\r\n", "\n"))))

    def lines(self, text: str, width: float, most: int) -> list[str]:
        """At most `most` (>= 1) lines of at most `width` in the current style; a longer text ends with CUT."""
        text, limit = self.printable(text.strip()), min(_LONGEST, most * _LINE)
        lines = self._wrapped(text[:limit], width)  # takes time by the square of the text's length
        if len(lines) <= most and len(text) <= limit:
            return lines
        last = self._wrapped(lines[min(len(lines), most) - 1], width - self.get_string_width(CUT))[0]
        return [*lines[: most - 1], last.rstrip() + CUT]

    def _wrapped(self, text: str, width: float) -> list[str]:
        return cast(list[str], self.multi_cell(width, text=text, align="L", dry_run=True, output=MethodReturnValue.LINES))

    def put(self, x: float, y: float, text: str, size: float, tone: str = "ink", bold: bool = False, side: str = "L") -> None:
        """One line whose top is `y`: `x` is its left end ("L"), its middle ("C") or its right end ("R")."""
        self.style(size, tone, bold)
        text = self.printable(text)
        width = self.get_string_width(text)
        self.set_xy(x - width * {"L": 0.0, "C": 0.5, "R": 1.0}[side], y)
        self.cell(width, size * _LEADING, text)
        self.set_xy(LEFT, y)

    def paragraph(
        self, text: str, size: float = 9, tone: str = "ink", label: str = "", indent: float = 0.0, end: float | None = None
    ) -> bool:
        """Wrapped text with a bold `label` on its left, cut at `end` if given. Returns False if there was no room."""
        self.style(size, bold=True)
        x = LEFT + (indent or (self.get_string_width(label) + 5 if label else 0))
        step, y = size * _LEADING, self.y
        most = _LONGEST if end is None else int((end - y) / step)
        if not text or most < 1:
            return not text
        if label:
            self.put(LEFT, y, label, size, tone, bold=True)
        self.style(size, tone)
        lines = self.lines(text, RIGHT - x, most)
        self.set_xy(x, y)
        self.multi_cell(RIGHT - x, step, "\n".join(lines), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(2.5)
        return True

    def heading(self, text: str, size: float = 12) -> None:
        self.ln(0.6 * size)
        self.put(LEFT, self.y, text, size, bold=True)
        self.set_y(self.y + size * _LEADING + 2)

    def grid(self, rows: Iterable[Sequence[str]], widths: Sequence[float], head: bool = True, size: float = 8.5) -> None:
        """A table of full width with relative column `widths`, first column left-aligned, the others right-aligned."""
        self.style(size)
        self.set_draw_color(PAPER["grid"])
        with self.table(
            col_widths=tuple(widths),
            width=RIGHT - LEFT,
            line_height=size * 1.6,
            text_align=("LEFT", *["RIGHT"] * (len(widths) - 1)),
            borders_layout="HORIZONTAL_LINES",
            headings_style=FontFace(emphasis="", color=PAPER["quiet"]),
            first_row_as_headings=head,
        ) as table:
            for cells in rows:
                table.row([self.printable(cell) for cell in cells])
