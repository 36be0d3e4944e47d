"""One small exception tree. Every message is written for a clinician: what was expected, what came, what to do."""


class PneumoError(Exception):
    """Anything Pneumo refuses to do, with a message fit for the page."""


class ImageError(PneumoError):
    """The file could not be read as a radiograph (answer status `error`)."""


class ImageRejected(PneumoError):
    """The file was read, but it is not an image Pneumo may answer for (answer status `rejected`)."""


class LungsNotFound(ImageRejected):
    """A lung-centred model has nothing to look at. `why` says what is wrong with the lung fields."""

    def __init__(self, why: str):
        super().__init__(
            f"The lungs could not be found, so there is no answer. {why} Expected a frontal chest X-ray that shows both lungs."
        )
        self.why = why


class DataError(PneumoError):
    """A dataset, a split manifest or a file name does not fit."""


class ConfigError(PneumoError):
    """A setting is unknown or out of range."""


class ModelError(PneumoError):
    """A model folder is missing, incomplete, altered, or made for another version."""


class RunError(PneumoError):
    """A training run cannot start, resume or be promoted."""


class ExchangeError(PneumoError):
    """A result cannot be filed beside its image, or did not reach the archive."""


class RecordError(PneumoError):
    """The record of cases cannot be opened, read or written; an answer never depends on it."""


class ClockError(RecordError):
    """This computer's clock is too far ahead of the record to delete cases for their age."""


class AccessError(PneumoError):
    """Whoever is logged in may not do this."""


class EngineError(PneumoError):
    """The workers that read files on other processes or machines cannot start."""
