"""Escape foreign text (file names, notes, messages that quote them) for output to a terminal, CSV, JSON or Markdown.

There is exactly one function for each output. Undecodable bytes of a file name, which Python holds as surrogates and UTF-8
cannot encode, are written as \\xNN.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

# C1 control characters, bidirectional controls, Unicode line separators, surrogates.
_INVISIBLE = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
_CONTROL = re.compile(f"[\x00-\x1f{_INVISIBLE}]")
_IN_JSON = re.compile(f"[{_INVISIBLE}]")  # json.dumps escapes the others itself
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # some spreadsheets accept the full-width ones too
_MARKDOWN = re.compile(r"[\\`*_\[\]<>&$~|!#{}]|:(?=\S)|^\s*[-+=]|^\s*\d+[.)](?=\s|$)", re.MULTILINE)


def printable(text: str, keep: str = "") -> str:
    """Text on one line, safe for terminals: unprintable characters become \\n, \\x1b, \\u202e..., except those in `keep`."""
    return _CONTROL.sub(lambda match: match[0] if match[0] in keep else _visible(match[0]), text)


def listed(texts: Iterable[str]) -> str:
    """Texts joined by "; ", sentences by a space.

    >>> listed(["Expected a grey X-ray.", "The image is small.", "age unknown"])
    'Expected a grey X-ray. The image is small. age unknown'
    """
    return "; ".join(texts).replace(".; ", ". ")


def cell(value: Any, keep: str = "") -> Any:
    """A value for a CSV: lists as `listed`, a dict as JSON, text printable and never a formula; numbers unchanged.

    Spreadsheets run text that begins like a formula; a leading apostrophe prevents that.
    """
    if isinstance(value, dict):
        return json_text(value)
    if isinstance(value, list | tuple):
        value = listed(map(str, value))
    if not isinstance(value, str):
        return value
    text = printable(value, keep)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON that is always valid UTF-8; reading it back gives the same value except for undecodable bytes."""
    return _IN_JSON.sub(lambda match: _in_json(match[0]), json.dumps(value, ensure_ascii=False, indent=indent))


def without_nan(value: Any) -> Any:
    """JSON knows no NaN: undefined is null, in dicts and lists too."""
    if isinstance(value, dict):
        return {key: without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def markdown(text: str) -> str:
    """Text that Markdown, including Streamlit's widget labels, shows literally: no image, HTML, formula, heading or hidden link.

    Streamlit still turns URLs into links and :smile: into an emoji; neither causes a request.
    """
    return _MARKDOWN.sub(lambda match: f"{match[0][:-1]}\\{match[0][-1]}", printable(text, keep="\n"))


def code(text: str) -> str:
    """A name as a code span in Markdown; backticks in it do not end the span."""
    text = printable(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def _visible(letter: str) -> str:
    number = ord(letter)
    if 0xDC80 <= number <= 0xDCFF:  # an undecodable byte
        return f"\\x{number - 0xDC00:02x}"
    return _SHORT.get(letter) or (f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}")


def _in_json(letter: str) -> str:
    return "\\" + _visible(letter) if "\ud800" <= letter <= "\udfff" else f"\\u{ord(letter):04x}"
