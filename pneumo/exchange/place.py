"""Where a result is filed: its series and its number in it."""

from dataclasses import dataclass
from typing import Any

from pydicom.uid import UID

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
