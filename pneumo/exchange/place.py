"""Where a result is filed: its series and its number in it. The same image, model, terms and version give the same UIDs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.uid import UID, generate_uid

from pneumo import __version__
from pneumo.exchange.source import MANUFACTURER
from pneumo.inference.finding import Finding

# One series an object kind and study; numbers above those of modalities.
SERIES = {"report": 9901, "capture": 9902, "pdf": 9903, "seg": 9904}


@dataclass(frozen=True)
class Place:
    series: UID
    series_number: int
    instance: UID
    instance_number: int


def place_of(kind: str, name: str, number: int, study: Sequence[str], image: Sequence[str]) -> Place:
    """Place of the object `name` in the series of `kind`, a key of SERIES.

    `study`: what the results of one study have in common, from which the series' UID is derived; `image`: what also tells
    one image from another.
    """
    return Place(
        generate_uid(entropy_srcs=[*study, kind, "series"]),
        SERIES[kind],
        generate_uid(entropy_srcs=[*study, *image, name, "object"]),
        number,
    )


def series_and_device(place: Place, finding: Finding) -> dict[str, Any]:
    """What every object says of its series and of the model that made it, as highdicom's constructors name it."""
    return {
        "series_instance_uid": place.series,
        "series_number": place.series_number,
        "sop_instance_uid": place.instance,
        "instance_number": place.instance_number,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": finding.model,
        "software_versions": __version__,
        "device_serial_number": finding.model_sha256[:16],
    }
