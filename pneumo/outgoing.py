"""What others wrote (file names, notes, messages that quote them) on its way out: to a terminal, a CSV, JSON or Markdown.

Each function is for one way and is the only one for it. Undecodable bytes of a file name, which Python keeps as surrogates and
no UTF-8 can hold, leave as \\xNN everywhere.
"""

import json
import re
from typing import Any

# Control characters of the upper half, marks that turn the direction of writing, odd line ends, surrogates.
_INVISIBLE = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
_CONTROL = re.compile(f"[\x00-\x1f{_INVISIBLE}]")
_IN_JSON = re.compile(f"[{_INVISIBLE}]")  # json.dumps writes the others by itself
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # some spreadsheets take the wide ones too
_MARKDOWN = re.compile(r"[\\`*_\[\]<>&$~|!#{}]|:(?=\S)|^\s*[-+=]|^\s*\d+[.)](?=\s|$)", re.MULTILINE)


def printable(text: str, keep: str = "") -> str:
    """One line that shows what is in it and commands no terminal: what does not print as \\n, \\x1b, \\u202e; `keep` as it is."""
    return _CONTROL.sub(lambda found: found[0] if found[0] in keep else _visible(found[0]), text)


def cell(value: Any, keep: str = "") -> Any:
    """A value for a CSV: lists joined by "; ", a dict as JSON, text printable and never a formula; numbers as they are.

    A spreadsheet would run what begins like a formula; the apostrophe makes it read a text.
    """
    if isinstance(value, dict):
        return json_text(value)
    if isinstance(value, list | tuple):
        value = "; ".join(map(str, value))
    if not isinstance(value, str):
        return value
    text = printable(value, keep)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON that is valid UTF-8 whatever the strings hold, read back as it was but for undecodable bytes."""
    return _IN_JSON.sub(lambda found: _in_json(found[0]), json.dumps(value, ensure_ascii=False, indent=indent))


def markdown(text: str) -> str:
    """Text that Markdown (Streamlit's widget labels too) shows as it is: no picture, HTML, formula, heading or hidden link.

    Streamlit still makes a link of an address and a picture of its own of :smile:. Neither asks anybody.
    """
    return _MARKDOWN.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", printable(text, keep="\n"))


def code(text: str) -> str:
    """A name as a span of code in Markdown; backticks in it do not end it."""
    text = printable(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def _visible(letter: str) -> str:
    number = ord(letter)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    return _SHORT.get(letter) or (f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}")


def _in_json(letter: str) -> str:
    return "\\" + _visible(letter) if "\ud800" <= letter <= "\udfff" else f"\\u{ord(letter):04x}"
