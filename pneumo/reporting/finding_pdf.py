"""One A4 page about one X-ray, for the record: what the model said, how far to trust it, and what the clinician thinks of it."""

import io
from datetime import UTC

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from pneumo import __version__
from pneumo.imaging.overlay import fit_within, grey_picture, legend_picture, overlay_picture
from pneumo.labels import Verdict
from pneumo.reporting import finding_words as words
from pneumo.reporting.chart import PAPER
from pneumo.reporting.finding_report import NOT_STATED, ReportContent
from pneumo.reporting.model_card import DISCLAIMER
from pneumo.reporting.paper import FAMILY, MISSING, fitted, printable, text_width

# All in points of 1/72 inch, from the page's upper left corner.
_WIDTH, _HEIGHT = 595.0, 842.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 42.0, 553.0, 38.0, 800.0
_PICTURES = 270.0  # height of the pictures, at most
_GAP = 7.0
_SIDE = 1200  # pixels of a picture's longer side, at most: 300 an inch and more
_OPACITY = 0.6
_KEPT_FOR_NOTE = 70.0  # whatever else there is to say


def report_pdf(content: ReportContent) -> bytes:
    """The page as PDF. The same content gives the same bytes; the file's own name is nowhere in it."""
    page, buffer = _Page(), io.BytesIO()
    _head(page, content)
    _pictures(page, content)
    _verdict(page, content)
    _trust(page, content)
    _clinician(page, content)
    _foot(page, content)
    named = {"Title": "Pneumo report", "Creator": f"Pneumo {__version__}", "CreationDate": content.made.astimezone(UTC)}
    with PdfPages(buffer, metadata=named) as pdf:
        pdf.savefig(page.figure)
    return buffer.getvalue()


class _Page:
    """A sheet that is written from the top down; `end` is where the flowing text must stop."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(_WIDTH / 72, _HEIGHT / 72), facecolor=PAPER["ground"])
        self.y, self.end, self.left_out = _TOP, _BOTTOM, 0

    def text(self, x: float, y: float, text: str, size: float, tone: str = "ink", weight: str = "normal",
             side: str = "left") -> None:  # fmt: skip
        self.figure.text(x / _WIDTH, 1 - y / _HEIGHT, text, fontsize=size, color=PAPER[tone], weight=weight, family=FAMILY,
                         ha=side, va="baseline", parse_math=False)  # fmt: skip

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        axes = self.figure.add_axes((x / _WIDTH, 1 - (y + height) / _HEIGHT, width / _WIDTH, height / _HEIGHT))
        axes.set_axis_off()
        return axes

    def picture(self, picture: np.ndarray, x: float, y: float, width: float, height: float) -> None:
        """Embedded with its own pixels, in a thin frame; the box must have its aspect."""
        axes = self.axes(x, y, width, height)
        axes.imshow(picture, interpolation="none", aspect="auto")
        axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, color=PAPER["grid"], linewidth=0.5))

    def paragraph(self, text: str, size: float = 8.5, tone: str = "ink", label: str = "", room: float = 0.0,
                  indent: float = 0.0) -> None:  # fmt: skip
        """Wrapped, with `label` bold on its left; cut, with a mark, where less than `room` points would be left below it."""
        step, left = 1.36 * size, _LEFT + (indent if indent or not label else text_width(label, size, "bold") + 5)
        lines = int((self.end - room - self.y) / step)
        if not text or lines < 1:
            self.left_out += bool(text)
            return
        if label:
            self.text(_LEFT, self.y + size, label, size, tone, "bold")
        for line in fitted(text, size, _RIGHT - left, lines):
            self.text(left, self.y + size, line, size, tone)
            self.y += step
        self.y += 2.5


def _head(page: _Page, content: ReportContent) -> None:
    here, utc = content.made, content.made.astimezone(UTC)
    when = f"{utc:%Y-%m-%d %H:%M} UTC"
    if here.utcoffset():
        when = f"{here:%Y-%m-%d %H:%M} local time ({when})"
    page.text(_LEFT, page.y + 14, "Pneumo report on a chest X-ray", 15, weight="bold")
    page.text(_RIGHT, page.y + 14, when, 8.5, "quiet", side="right")
    page.y += 20
    page.paragraph(DISCLAIMER, 9)
    if content.remarks.reference.strip():
        for line in fitted(content.remarks.reference.replace("\n", " "), 9, _RIGHT - _LEFT - 60, 1):
            page.text(_LEFT, page.y + 9, "Reference", 9, weight="bold")
            page.text(_LEFT + 60, page.y + 9, line, 9)
        page.y += 15
    page.y += 4


def _pictures(page: _Page, content: ReportContent) -> None:
    """Side by side, or one above the other where that shows more of a wide picture."""
    pixels = fit_within(content.pixels, _SIDE)
    plain = grey_picture(pixels)
    overlay = overlay_picture(plain, content.answer.heatmap.on_image(*pixels.shape), _OPACITY, content.colour_map)
    shape, full = pixels.shape[1] / pixels.shape[0], _RIGHT - _LEFT
    half = (full - _GAP) / 2
    beside, above = min(_PICTURES, half / shape), min((_PICTURES - 20) / 2, full / shape)
    height = max(beside, above)
    width = height * shape
    for number, (picture, caption) in enumerate(((plain, "The X-ray, as the model was given it"), (overlay, "With heatmap"))):
        x = _LEFT if above > beside else _LEFT + number * (half + _GAP)
        page.picture(picture, x, page.y, width, height)
        if above > beside or number:
            page.y += height + 10
        page.text(x, page.y if above > beside or number else page.y + height + 10, caption, 7.5, "quiet")
        if above > beside:
            page.y += 8
    none, strong, scale = words.LEGEND
    page.y += 8
    page.text(_LEFT, page.y + 7, none, 7.5, "quiet")
    x = _LEFT + text_width(none, 7.5) + 6
    page.picture(legend_picture(content.colour_map), x, page.y + 1, 120, 6)
    page.text(x + 126, page.y + 7, f"{strong} {scale}", 7.5, "quiet")
    page.y += 16


def _verdict(page: _Page, content: ReportContent) -> None:
    reading = content.reading
    tone = "quiet" if reading.verdict == Verdict.INDETERMINATE else reading.label.lower()
    page.text(_LEFT, page.y + 22, reading.verdict, 19, tone, "bold")
    page.text(_LEFT, page.y + 36, f"{reading.zone} zone", 9, "quiet")
    page.text(_LEFT + 190, page.y + 10, "probability of pneumonia", 9)
    page.text(_LEFT + 190, page.y + 27, words.in_words(reading.probability), 15, weight="bold")
    page.text(_LEFT + 190, page.y + 38, f"where {words.share(reading.prevalence)} have it", 8, "quiet")
    _bar(page, content, _LEFT + 310, tone)
    page.y += 46
    for warning in content.warnings:
        page.paragraph(warning, 9, label="Warning", room=200)


def _bar(page: _Page, content: ReportContent, x: float, tone: str) -> None:
    """The probability on a line from 0 to 1, with the threshold and the indeterminate zone."""
    reading, width, y = content.reading, _RIGHT - x, page.y + 14
    cut = reading.threshold
    axes = page.axes(x, y, width, 12)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.axhspan(0.15, 0.85, color=PAPER["grid"], linewidth=0)
    axes.axvspan(reading.low, reading.high, 0.15, 0.85, color="#B9C1C8", linewidth=0)
    axes.axvline(cut, color=PAPER["ink"], linewidth=1.2, linestyle=(0, (3, 2)), clip_on=False)
    axes.axvline(min(max(reading.probability, 0.006), 0.994), color=PAPER[tone], linewidth=4, solid_capstyle="butt")
    said = f"threshold {cut:.2f}"
    middle, room = x + cut * width, text_width(said, 7.5) / 2
    page.text(min(max(middle, x + room), _RIGHT - room), y - 3, said, 7.5, side="center")
    page.text(x, y + 21, "0 normal", 7.5, "quiet")
    page.text(_RIGHT, y + 21, "1 pneumonia", 7.5, "quiet", side="right")


def _trust(page: _Page, content: ReportContent) -> None:
    reading, metrics, bacterial = content.reading, content.metrics, content.answer.bacterial
    page.paragraph(words.sentence(reading), 9.5)
    if kind := words.subtype_sentence(metrics, reading, bacterial):
        page.paragraph(f"{kind} {words.subtype_accuracy(metrics)}")
    page.paragraph(words.likelihood_sentence(reading))
    page.paragraph(words.like_this_sentence(metrics, content.answer.log_ratio, reading, content.warnings))
    page.paragraph(words.figures_sentence(metrics))
    for what, value in words.figure_rows(metrics):
        page.paragraph(value, label=what, indent=186)
    page.paragraph(words.heatmap_sentence(reading, content.answer.heatmap), tone="quiet")
    for label, text in content.extra:
        page.paragraph(text, label=label, room=_KEPT_FOR_NOTE)


def _clinician(page: _Page, content: ReportContent) -> None:
    page.y += 3
    agreement = content.remarks.agreement_with(content.reading.verdict)
    stated = agreement if agreement == NOT_STATED else f"{agreement}, with the answer {content.reading.verdict}"
    page.paragraph(stated, 9, label="The clinician's agreement:")
    if MISSING in printable(content.remarks.note):
        page.paragraph(f"{MISSING} stands for a character that this report cannot print.", tone="quiet")
    page.paragraph(content.remarks.note.strip() or "none", 9, label="The clinician's note:")


def _foot(page: _Page, content: ReportContent) -> None:
    card = content.card
    lines = (f"Model {card.id}, made {card.created}; Pneumo {__version__}", f"Weights SHA-256 {card.sha256}",
             f"X-ray file SHA-256 {content.file_sha256}")  # fmt: skip
    page.figure.add_artist(Line2D([_LEFT / _WIDTH, _RIGHT / _WIDTH], [1 - (_BOTTOM + 4) / _HEIGHT] * 2, color=PAPER["grid"]))
    if page.left_out:
        page.text(_RIGHT, _BOTTOM + 14, f"[cut: entries without room: {page.left_out}]", 8, weight="bold", side="right")
    for number, line in enumerate(lines):
        page.text(_LEFT, _BOTTOM + 14 + 9.5 * number, line, 6.8, "quiet")
