"""A DICOM file and its finding -> structured report and secondary capture, filed under the source's patient and study."""

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


@dataclass(frozen=True, repr=False)  # a printed one would tell whose it is
class Results:
    """Both belong to the study of the source, each in a series of its own."""

    report: Dataset  # Comprehensive SR
    capture: Dataset  # Secondary Capture

    def __iter__(self) -> Iterator[Dataset]:
        return iter((self.report, self.capture))


def make_results(data: bytes, finding: Finding, card: ModelCard, terms: Terms, image: bytes | None = None) -> Results:
    """Both results of one DICOM file, in memory. `finding` is what `inference.finding.read` said of these very bytes.

    Their UIDs are new each time. With `image`, the image's content hash, they are the same for the same image, model,
    terms and version: an image that a sender tries again adds nothing to a study that has its results.

    Raises ExchangeError where the finding is no answer or the file can take no results, ConfigError for terms
    that do not fit the model.
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
            _name(result, [image.hex(), card.sha256, terms.operating_point, str(terms.prevalence), __version__, result.Modality])
    return results


def _name(result: Dataset, origin: list[str]) -> None:
    """Give a result the UIDs that follow from its origin."""
    result.SeriesInstanceUID, result.SOPInstanceUID = (generate_uid(entropy_srcs=[*origin, kind]) for kind in ("series", "object"))
    result.file_meta.MediaStorageSOPInstanceUID = result.SOPInstanceUID


def _filed(result: Dataset, source: Source) -> Dataset:
    """The result with the source's patient and study elements, in a character set that holds any name."""
    result.update(source.patient)
    result.SpecificCharacterSet = "ISO_IR 192"
    return result


def file_bytes(result: Dataset) -> bytes:
    """A DICOM Part 10 file."""
    buffer = io.BytesIO()
    result.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
