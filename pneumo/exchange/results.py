"""DICOM file and finding -> structured report and secondary capture, in the patient and study of the source."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from pneumo import __version__
from pneumo.errors import ExchangeError
from pneumo.exchange import quiet  # noqa: F401
from pneumo.exchange.capture import secondary_capture
from pneumo.exchange.report import structured_report
from pneumo.exchange.source import Source, read_source
from pneumo.inference.finding import Finding, Terms, judge
from pneumo.registry.models import ModelCard


@dataclass(frozen=True, repr=False)  # no repr: it would show patient data
class Results:
    """Two objects in the study of the source, each in its own series."""

    report: Dataset  # Comprehensive SR
    capture: Dataset  # Secondary Capture

    def __iter__(self) -> Iterator[Dataset]:
        return iter((self.report, self.capture))


def make_results(data: bytes, finding: Finding, card: ModelCard, terms: Terms, image: bytes | None = None) -> Results:
    """Both results of one DICOM file, in memory. `finding` must be the result of `inference.finding.read` for the same bytes.

    Their UIDs are new each time. With `image`, the image's content hash, they are the same for the same image, model,
    terms and version, so that an image sent again adds no second result to its study.

    Raises ExchangeError if the finding is no answer or no result can be filed for the file, ConfigError for terms that do
    not fit the model.
    """
    if not finding.answer:
        raise ExchangeError("No result is written for a file without an answer: " + " ".join(finding.reasons))
    reading = judge(finding.answer.log_ratio, card, terms)
    source = read_source(data)
    results = Results(
        _filed(structured_report(source, finding, reading), source),
        _filed(secondary_capture(source, finding, reading), source),
    )
    if image is not None:
        for result in results:
            _set_uids(
                result, [image.hex(), card.sha256, terms.operating_point, str(terms.prevalence), __version__, result.Modality]
            )
    return results


def _set_uids(result: Dataset, origin: list[str]) -> None:
    """Give a result UIDs derived from `origin`."""
    result.SeriesInstanceUID, result.SOPInstanceUID = (generate_uid(entropy_srcs=[*origin, kind]) for kind in ("series", "object"))
    result.file_meta.MediaStorageSOPInstanceUID = result.SOPInstanceUID


def _filed(result: Dataset, source: Source) -> Dataset:
    """The result with the source's patient and study elements, in UTF-8, which can encode every name."""
    result.update(source.patient)
    result.SpecificCharacterSet = "ISO_IR 192"
    return result


def file_bytes(result: Dataset) -> bytes:
    """A DICOM Part 10 file."""
    buffer = io.BytesIO()
    result.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
