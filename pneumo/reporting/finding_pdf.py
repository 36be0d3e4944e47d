"""One A4 page about one X-ray: the model's answer, how far to trust it, and the clinician's agreement and note."""

from datetime import UTC

import numpy as np
from PIL import Image

from pneumo import __version__
from pneumo.imaging.overlay import COLOUR_MAPS, fit_within, grey_picture, legend_picture, overlay_picture
from pneumo.labels import Verdict
from pneumo.reporting import finding_words as words
from pneumo.reporting.chart import PAPER
from pneumo.reporting.finding_report import NOT_STATED, ReportContent
from pneumo.reporting.model_card import DISCLAIMER
from pneumo.reporting.paper import BOTTOM, LEFT, MISSING, RIGHT, Sheet

_PICTURES, _TEXT = 270.0, 300.0  # greatest height of the pictures; height reserved for the text below them
_GAP = 7.0
_SIDE = 1200  # greatest longer side of a picture in pixels: at least 300 per inch
_OPACITY = 0.6
_SIGNATURE = BOTTOM - 36  # y of the signature line; text ends 8 points above it
_KEPT_FOR_NOTE = 64.0  # height reserved for agreement and note


def report_pdf(content: ReportContent) -> bytes:
    """The page as PDF. The same content gives the same bytes; it does not contain the file's name."""
    sheet = Sheet("Pneumo report")
    sheet.set_auto_page_break(False)
    sheet.set_creation_date(content.made.astimezone(UTC))
    _head(sheet, content)
    _verdict(sheet, content)
    _pictures(sheet, content)
    left_out = _trust(sheet, content)
    _clinician(sheet, content)
    _foot(sheet, content, left_out)
    return bytes(sheet.output())


def _head(sheet: Sheet, content: ReportContent) -> None:
    here, utc = content.made, content.made.astimezone(UTC)
    when = f"{utc:%Y-%m-%d %H:%M} UTC"
    if here.utcoffset():
        when = f"{here:%Y-%m-%d %H:%M} local time ({when})"
    sheet.put(LEFT, sheet.y, "Pneumo report on a chest X-ray", 15, bold=True)
    sheet.put(RIGHT, sheet.y + 7, when, 8.5, "quiet", side="R")
    sheet.set_y(sheet.y + 15)
    sheet.paragraph(DISCLAIMER)
    sheet.paragraph(content.remarks.reference.replace("\n", " "), label="Reference", end=sheet.y + 13)


def _verdict(sheet: Sheet, content: ReportContent) -> None:
    reading, y = content.reading, sheet.y + 4
    tone = "quiet" if reading.verdict == Verdict.INDETERMINATE else reading.label.lower()
    sheet.put(LEFT, y, reading.verdict, 19, tone, bold=True)
    sheet.put(LEFT, y + 26, f"{reading.zone.in_words} ({reading.zone})", 9, "quiet")
    sheet.put(LEFT + 190, y, "probability of pneumonia", 9)
    sheet.put(LEFT + 190, y + 11, words.in_words(reading.probability), 15, bold=True)
    sheet.put(LEFT + 190, y + 30, f"where {words.share(reading.prevalence)} have it", 8, "quiet")
    _bar(sheet, content, LEFT + 310, y + 14, tone)
    sheet.set_y(y + 44)
    sheet.paragraph(words.SENTENCES[reading.verdict], 9.5)
    for warning in content.finding.warnings:
        sheet.paragraph(warning, label="Warning", end=_SIGNATURE - _TEXT - 120)
    sheet.paragraph(words.threshold_sentence(reading))


def _bar(sheet: Sheet, content: ReportContent, x: float, y: float, tone: str) -> None:
    """The probability on a line from 0 to 1, with the threshold and the indeterminate zone."""
    reading, width = content.reading, RIGHT - x
    sheet.set_fill_color(PAPER["grid"])
    sheet.rect(x, y, width, 9, style="F")
    if reading.low < reading.high:  # else the zone is empty
        sheet.set_fill_color("#B9C1C8")
        sheet.rect(x + width * reading.low, y, width * (reading.high - reading.low), 9, style="F")
    sheet.set_fill_color(PAPER[tone])
    sheet.rect(x + width * min(max(reading.probability, 0.006), 0.994) - 2, y - 1.5, 4, 12, style="F")
    cut = x + width * reading.threshold
    sheet.set_draw_color(PAPER["ink"])
    with sheet.local_context(line_width=1.2, dash_pattern={"dash": 3, "gap": 2, "phase": 0}):
        sheet.line(cut, y - 1.5, cut, y + 10.5)
    label = f"threshold {reading.threshold:.2f}"
    sheet.style(7.5)
    room = sheet.get_string_width(label) / 2
    sheet.put(min(max(cut, x + room), RIGHT - room), y - 13, label, 7.5, side="C")
    sheet.put(x, y + 12, "0 normal", 7.5, "quiet")
    sheet.put(RIGHT, y + 12, "1 pneumonia", 7.5, "quiet", side="R")


def _pictures(sheet: Sheet, content: ReportContent) -> None:
    """X-ray and heatmap, side by side or stacked, whichever is larger; the X-ray alone if there is a `heat_doubt`."""
    pixels = fit_within(content.picture.pixels, _SIDE)
    plain = grey_picture(pixels)
    shape, full, top = pixels.shape[1] / pixels.shape[0], RIGHT - LEFT, sheet.y + 4
    half, room = (full - _GAP) / 2, max(100.0, min(_PICTURES, _SIGNATURE - _TEXT - top))
    beside, above = min(room, half / shape), min((room - 20) / 2, full / shape)
    height = max(beside, above)
    shown = [(plain[..., 0], "The X-ray, as the model was given it")]
    if not content.heat_doubt:
        heat = content.answer.heatmap.on_image(*pixels.shape)
        shown.append((overlay_picture(plain, heat, _OPACITY, COLOUR_MAPS[0]), "With heatmap"))
    for number, (picture, caption) in enumerate(shown):
        stacked = number if above > beside else 0
        x, y = LEFT + (number - stacked) * (half + _GAP), top + stacked * (height + 18)
        _framed(sheet, picture, x, y, height * shape, height)
        sheet.put(x, y + height + 2, caption, 7.5, "quiet")
    if content.heat_doubt:
        sheet.set_y(sheet.y + 14)
        return
    none, strong, scale = words.LEGEND
    y = sheet.y + 14
    sheet.put(LEFT, y, none, 7.5, "quiet")
    x = LEFT + sheet.get_string_width(none) + 6
    _framed(sheet, legend_picture(COLOUR_MAPS[0]), x, y + 2, 120, 6)
    sheet.put(x + 126, y, f"{strong} {scale}", 7.5, "quiet")
    sheet.set_y(y + 16)


def _framed(sheet: Sheet, picture: np.ndarray, x: float, y: float, width: float, height: float) -> None:
    """Draw the picture with a border. The box must have the picture's aspect ratio."""
    sheet.image(Image.fromarray(picture), x, y, width, height)
    sheet.set_draw_color(PAPER["grid"])
    with sheet.local_context(line_width=0.5):
        sheet.rect(x, y, width, height)


def _trust(sheet: Sheet, content: ReportContent) -> int:
    """How far to trust the answer. Returns how many entries had no room."""
    reading, metrics, bacterial = content.reading, content.metrics, content.answer.bacterial
    kind = words.subtype_sentence(metrics, reading, bacterial)
    texts = (
        f"{kind} {words.subtype_accuracy(metrics)}" if kind else "",
        words.likelihood_sentence(reading),
        words.like_this_sentence(metrics, content.answer.log_ratio, reading, content.finding.warnings),
        words.figures_sentence(metrics),
    )
    end = _SIGNATURE - 8
    placed = [sheet.paragraph(text, end=end) for text in texts]
    placed += [sheet.paragraph(value, label=title, indent=196, end=end) for title, value in words.figure_rows(metrics)]
    doubt = content.heat_doubt
    heat = f"{doubt} It is left out." if doubt else words.heatmap_sentence(reading, content.answer.heatmap)
    placed += [sheet.paragraph(heat, tone="quiet", end=end)]
    facts = "; ".join(f"{name}: {value}" for name, value in words.facts_rows(content.picture.facts))
    rows = (("X-ray file", facts), *content.extra)
    placed += [sheet.paragraph(text, label=label, end=end - _KEPT_FOR_NOTE) for label, text in rows]
    return placed.count(False)


def _clinician(sheet: Sheet, content: ReportContent) -> None:
    """Agreement and note, then lines to write on, down to the signature."""
    agreement, end = content.remarks.agreement_with(content.reading.verdict), _SIGNATURE - 8
    stated = agreement if agreement == NOT_STATED else f"{agreement}, with the answer {content.reading.verdict}"
    sheet.ln(3)
    sheet.paragraph(stated, label="The clinician's agreement:", end=end)
    if MISSING in sheet.printable(content.remarks.note):
        sheet.paragraph(f"{MISSING} stands for a character that this report cannot print.", tone="quiet", end=end)
    sheet.paragraph(content.remarks.note.strip() or "none", label="The clinician's note:", end=end)
    sheet.set_draw_color(PAPER["grid"])
    for y in np.arange(sheet.y + 18, _SIGNATURE - 20, 20):
        sheet.line(LEFT, y, RIGHT, y)
    sheet.set_draw_color(PAPER["quiet"])
    for x, width, caption in ((LEFT, 110, "Date"), (LEFT + 130, RIGHT - LEFT - 130, "Name and signature")):
        sheet.line(x, _SIGNATURE, x + width, _SIGNATURE)
        sheet.put(x, _SIGNATURE + 2, caption, 7.5, "quiet")


def _foot(sheet: Sheet, content: ReportContent, left_out: int) -> None:
    card = content.card
    sheet.set_draw_color(PAPER["grid"])
    sheet.line(LEFT, BOTTOM - 16, RIGHT, BOTTOM - 16)
    if left_out:
        sheet.put(RIGHT, BOTTOM - 12, f"[cut: entries without room: {left_out}]", 8, bold=True, side="R")
    lines = (
        f"Model {card.id}, made {card.created}; Pneumo {__version__}",
        f"Weights SHA-256 {card.sha256}",
        f"X-ray file SHA-256 {content.finding.sha256}",
    )
    for number, line in enumerate(lines):
        sheet.put(LEFT, BOTTOM - 12 + 9.5 * number, line, 6.8, "quiet")
