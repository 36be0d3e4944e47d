"""A row of the worklist: one file that was read, in little memory, with its answers, its export and its case for Diagnose.

Memory limits how many files a session can hold. A row takes about 60 KB, whatever the size of the file: a display copy of
640 pixels as JPEG (38 KB on average), the canonical image without loss (24 KB, so that another model can read it), a thumbnail
(2 KB), the findings and the facts. A thousand files take about 65 MB. The files themselves are held too, so that Diagnose can show
them in full size, as long as they take no more than a quarter of the session's limit together.
"""

import hashlib
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from pneumo.errors import ImageError
from pneumo.imaging.decoding.archive import Member
from pneumo.imaging.decoding.decode import Decoded
from pneumo.imaging.overlay import fit_within, png
from pneumo.imaging.radiograph import ImageFacts
from pneumo.imaging.windowing import plain_values
from pneumo.inference.batch import EMPTY_SHA256, unread
from pneumo.inference.finding import Finding, Terms, ask_again, image_to_keep, open_file, read
from pneumo.inference.predictor import Predictor
from pneumo.inference.rows import fields
from pneumo.ui.shell import quota
from pneumo.ui.shell.quota import answers_size
from pneumo.ui.shell.state import Case, key_of, values_of

THUMBNAIL_SIDE = 96  # pixels, longer side
DISPLAY_SIDE = 640  # pixels, longer side: Diagnose shows this copy, and says so, of a file that is not held
_FILES_SHARE = 4  # the files of all rows take 1 / 4 of the session's limit at most
_QUALITY = 85


@dataclass(frozen=True)
class Row:
    """`findings` by model, without images. The pictures are None where the file was not read."""

    name: str
    findings: dict[str, Finding]
    facts: ImageFacts | None
    thumbnail: bytes | None  # JPEG
    display: bytes | None  # JPEG
    canonical: bytes | None  # PNG, 224 x 224
    file: bytes | None = None  # as it was dropped; None where it would take too much memory, or no larger picture is in it

    @property
    def sha256(self) -> str:
        """Hash of the file's bytes; of no bytes where the file was never loaded."""
        return next(iter(self.findings.values())).sha256

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes, without small fields."""
        pictures = (self.thumbnail, self.display, self.canonical, self.file)
        return sum(len(picture) for picture in pictures if picture) + answers_size(self.findings.values())

    def finding(self, predictor: Predictor) -> Finding | None:
        """The finding of `predictor`, None before it was asked. A file that was not read has one finding for all models."""
        return self.findings.get(key_of(predictor.card)) if self.canonical else next(iter(self.findings.values()))

    def with_answer_of(self, predictor: Predictor) -> "Row":
        """The row with the finding of another model and its gate; a model that fails gives an `error` finding."""
        first = next(iter(self.findings.values()))
        assert self.facts is not None, "expected a file that was read"
        finding = ask_again(first.sha256, self.image(), self.facts, predictor)
        return replace(self, findings={**self.findings, key_of(predictor.card): finding})

    def case(self) -> Case:
        """The case for Diagnose, with the display copy in place of the full image."""
        first = next(iter(self.findings.values()))
        case = Case(self.name, first, None, self.image(), self.facts, findings=dict(self.findings), from_worklist=True)
        self.reduce(case)
        return case

    @property
    def has_more(self) -> bool:
        """Whether the display copy is smaller than the image."""
        return self.facts is not None and max(self.facts.width, self.facts.height) > DISPLAY_SIDE

    def enlarge(self, case: Case) -> None:
        """Give this row's case the full image, read again from the file, where that is held."""
        if case.reduced and self.file is not None and isinstance(again := open_file(self.file).decoded, Decoded):
            case.values, case.reduced = values_of(again.radiograph), False

    def reduce(self, case: Case) -> None:
        """Give it the display copy."""
        case.values, case.reduced = plain_values(self.pixels(), bits=8), self.has_more

    def image(self) -> np.ndarray:
        """uint8 (224, 224), exactly the image that the first model was shown."""
        assert self.canonical is not None, "expected a file that was read"
        return np.asarray(Image.open(io.BytesIO(self.canonical)))

    def picture(self) -> tuple[np.ndarray, ImageFacts] | None:
        """The image for models and the file's facts; None where it was not read."""
        return None if self.canonical is None or self.facts is None else (self.image(), self.facts)

    def pixels(self) -> np.ndarray:
        """float32 (h, w) in [0, 1], the display copy."""
        assert self.display is not None, "expected a file that was read"
        return np.asarray(Image.open(io.BytesIO(self.display)), np.float32) / 255


def read_row(rows: list[Row], member: Member, predictor: Predictor, room: bool) -> bool:
    """Read a file into `rows`, one row for each content, whatever its name. Returns False if it had one already.

    The row of a file that could not be loaded is replaced when the file, or the members of the archive, come again. Without `room`
    nothing is read.
    """
    data = b""
    try:
        data = member.load()
    except ImageError as error:
        finding = unread(str(error), predictor)
    else:
        digest = hashlib.sha256(data).hexdigest()
        if digest != EMPTY_SHA256 and any(row.sha256 == digest for row in rows):  # empty files have this hash too
            return False
        finding = read(data, predictor) if room else unread(quota.full(), predictor)
    rows[:] = [row for row in rows if row.sha256 != EMPTY_SHA256 or row.name not in (member.name, member.name.partition("/")[0])]
    row = make_row(member.name, finding, predictor)
    held = sum(len(other.file) for other in rows if other.file)
    rows.append(replace(row, file=data) if row.has_more and held + len(data) <= quota.limit() // _FILES_SHARE else row)
    return True


def make_row(name: str, finding: Finding, predictor: Predictor) -> Row:
    """The row of a new finding, without the file."""
    radiograph, image = finding.radiograph, image_to_keep(finding)
    findings = {key_of(predictor.card): replace(finding, radiograph=None, canonical=None)}
    if radiograph is None or image is None:
        return Row(name, findings, None, None, None, None)
    small, display = (_jpeg(radiograph.pixels, side) for side in (THUMBNAIL_SIDE, DISPLAY_SIDE))
    return Row(name, findings, radiograph.facts, small, display, png(image))


def export(rows: Iterable[Row], predictor: Predictor, terms: Terms) -> list[dict[str, Any]]:
    """The fields of `predict --format json`: answered files by falling probability, then the others as dropped."""
    findings = [(row.name, finding) for row in rows if (finding := row.finding(predictor))]
    findings.sort(key=lambda pair: -pair[1].answer.log_ratio if pair[1].answer else math.inf)
    return [fields(name, finding, predictor.card, terms) for name, finding in findings]


def _jpeg(pixels: np.ndarray, side: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.rint(fit_within(pixels, side) * 255).astype(np.uint8)).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
