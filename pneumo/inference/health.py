"""Whether Pneumo can answer here and now: models verify, a decoding process starts, a record that is kept can be written."""

import base64
import contextlib
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass

from pneumo.errors import ImageError, ModelError, PneumoError
from pneumo.imaging.decoding.decode import Decoded
from pneumo.imaging.decoding.pool import DecoderPool
from pneumo.inference.lung_fields import LungFinder, lungs_folder
from pneumo.log import known
from pneumo.paths import models_dir
from pneumo.record.settings import record_url
from pneumo.registry.model_folder import list_models
from pneumo.registry.models import default_model, verified

log = logging.getLogger(__name__)
# A grey PNG, 64 x 64: no X-ray, and read like one.
_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAAAAACPAi4CAAAAK0lEQVR42u3MMREAAAgEoNfkRjeEmwcBqMlNRyAQCAQCgUAgEAgEAsHzYAFAdAEArKmlZAAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Health:
    models: bool
    decoder: bool
    record: bool | None  # None: no record is kept

    @property
    def serving(self) -> bool:
        return self.models and self.decoder and self.record is not False

    @property
    def failing(self) -> list[str]:
        """The parts that keep it from serving, by name."""
        return [part for part, fine in asdict(self).items() if fine is False]


def check_health() -> Health:
    """Takes about a second: every file of every model is hashed, and a process started. Reasons go to the log."""
    record = _passes("record", _check_record) if record_url() else None
    return Health(_passes("models", _check_models), _passes("decoder", _check_decoder), record)


def _passes(part: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except (PneumoError, OSError, ModuleNotFoundError) as error:
        log.error("not serving: %s", error, extra=known(part=part))
        return False
    return True


def _check_models() -> None:
    """All of them: one that was altered is an incident, though another answers in its place."""
    if not list_models():
        raise ModelError(f"There is no model in {models_dir()}.")
    for model in list_models():
        verified(model)
    default_model()
    if lungs_folder().is_dir():
        LungFinder.load()


def _check_decoder() -> None:
    """A process of its own: those of the app may be busy with X-rays for long."""
    with contextlib.closing(DecoderPool(1)) as pool:
        read = pool.decode(_PICTURE)
    if not isinstance(read, Decoded):
        raise ImageError(f"A decoding process read no plain picture: {read}")


def _check_record() -> None:
    from pneumo.record.store import open_record  # here: it loads the database library

    record = open_record()
    assert record is not None, "expected a record: PNEUMO_RECORD is set"
    record.database.check_writable()
