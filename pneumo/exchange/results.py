"""DICOM file and finding -> the objects that the archive is given, in the patient and study of the source."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from pneumo import __version__
from pneumo.errors import ExchangeError
from pneumo.exchange.capture import secondary_capture
from pneumo.exchange.document import encapsulated_report
from pneumo.exchange.heat import LEVEL, heat_hidden
from pneumo.exchange.place import SERIES, Place
from pneumo.exchange.report import structured_report
from pneumo.exchange.segmentation import heat_segmentation, lung_segmentation
from pneumo.exchange.settings import CAPTURE, DEFAULT_OBJECTS, PDF, SEG
from pneumo.exchange.source import Source, content_hash, read_source
from pneumo.inference.finding import Finding, Terms, judge
from pneumo.inference.lung_checks import lungs_of
from pneumo.inference.lung_fields import LungFinder
from pneumo.registry.models import ModelCard


@dataclass(frozen=True)
class Selection:
    """Which objects are made, and with what. The report always is."""

    objects: frozenset[str] = DEFAULT_OBJECTS  # see settings.OBJECTS
    finder: LungFinder | None = None  # for "seg"; without it the lungs are left out
    metrics: dict[str, Any] = field(default_factory=dict)  # for "pdf": those shown beside an answer, as in metrics.json


@dataclass(frozen=True, repr=False)  # no repr: it would show patient data
class Results:
    """The objects made of one image; each kind (report, capture, PDF, segmentation) has a series of its own in the study."""

    report: Dataset  # Comprehensive SR, which refers to the others
    capture: Dataset | None = None  # Secondary Capture
    pdf: Dataset | None = None  # Encapsulated PDF
    lungs: Dataset | None = None  # Segmentation
    heat: Dataset | None = None  # Segmentation

    def named(self) -> dict[str, Dataset]:
        """The objects that were made, by the name of their field."""
        return {name: result for name, result in vars(self).items() if result is not None}

    def __iter__(self) -> Iterator[Dataset]:
        return iter(self.named().values())


def make_results(
    data: bytes, finding: Finding, card: ModelCard, terms: Terms, selection: Selection | None = None, image: bytes | None = None
) -> Results:
    """The results of one DICOM file, in memory. `finding` must be the result of `inference.finding.read` for the same bytes.

    Their UIDs are the same for the same image, model, terms, selection and version, so that an image sent again adds no second
    results to its study. `image`: its content hash, where it is known.

    Raises ExchangeError if there is no answer or no result can be filed, ConfigError for terms that do not fit the model.
    """
    if not finding.answer:
        raise ExchangeError("No result is written for a file without an answer: " + " ".join(finding.reasons))
    selection = selection or Selection()
    reading, source = judge(finding.answer.log_ratio, card, terms), read_source(data)
    # What the results of one study have in common, and what also tells one image from another.
    study = [source.reference.StudyInstanceUID, card.sha256, terms.operating_point, str(terms.prevalence)]
    study += [finding.site_profile, __version__]
    hashed, segmenter = (image or content_hash(data)).hex(), selection.finder.sha256 if selection.finder else ""
    told_apart = [hashed, *sorted(selection.objects), segmenter]

    def place(kind: str, name: str, number: int = source.number) -> Place:
        series = generate_uid(entropy_srcs=[*study, kind, "series"])
        return Place(series, SERIES[kind], generate_uid(entropy_srcs=[*study, *told_apart, name, "object"]), number)

    made: dict[str, Dataset] = {}
    notices: list[str] = []
    if CAPTURE in selection.objects:
        made["capture"] = secondary_capture(source, finding, reading, place("capture", "capture"))
    if PDF in selection.objects:
        made["pdf"] = encapsulated_report(source, finding, card, selection.metrics, terms, place("pdf", "pdf"))
    if SEG in selection.objects:
        places = place("seg", "lungs", 2 * source.number - 1), place("seg", "heat", 2 * source.number)
        segmented, notices = _segmentations(source, finding, selection.finder, *places)
        made |= segmented
    made["report"] = structured_report(source, finding, reading, place("report", "report"), list(made.values()), notices)
    for result in made.values():
        result.update(source.patient)
        result.SpecificCharacterSet = "ISO_IR 192"  # UTF-8 can encode every name
    return Results(**made)


def _segmentations(
    source: Source, finding: Finding, finder: LungFinder | None, lungs_place: Place, heat_place: Place
) -> tuple[dict[str, Dataset], list[str]]:
    """Segmentations by name, and why one of them is missing."""
    assert finding.canonical is not None, "expected a finding that is an answer"
    made: dict[str, Dataset] = {}
    notices = []
    lungs = lungs_of(finding.canonical, finder)
    if finder is not None and lungs.mask is not None:
        made["lungs"] = lung_segmentation(source, finding, lungs.mask, finder.sha256, lungs_place)
    else:
        notices.append(f"No segmentation of the lungs: {lungs.reason}")
    hidden = heat_hidden(finding)
    if not hidden and (heat := heat_segmentation(source, finding, heat_place)) is not None:
        made["heat"] = heat
    else:
        notices.append(f"No segmentation of the heat: {hidden or f'no heat reaches {LEVEL:g} of the scale.'}")
    return made, notices


def file_bytes(result: Dataset) -> bytes:
    """A DICOM Part 10 file."""
    buffer = io.BytesIO()
    result.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
