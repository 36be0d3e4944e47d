"""One received image -> its results in the archive. Whatever the image holds, the next one is read."""

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence

from pydicom.dataset import Dataset

from pneumo import labels
from pneumo.errors import PneumoError
from pneumo.exchange.outcome import FAILED, Outcome
from pneumo.exchange.results import make_results
from pneumo.exchange.source import content_hash, made_here
from pneumo.exchange.status import FAULT, NOT_STORED, SUCCESS, UNREADABLE, Status
from pneumo.inference.finding import Terms, read
from pneumo.inference.predictor import Predictor

log = logging.getLogger(__name__)
Send = Callable[[Sequence[Dataset]], tuple[Outcome, ...]]
_REMEMBERED = 10_000  # images answered last


class Tally:
    """What became of how many, counted by several threads at once; `str` gives it for the log."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in sorted(self._counts.items())) or "nothing received"


class Reader:
    """Reads images one after the other and sends the results. Logs and tallies outcomes, never an identifier."""

    def __init__(self, predictor: Predictor, terms: Terms, send: Send, pauses: Sequence[float] = (1.0, 3.0), patience: float = 8.0):
        """`pauses`: seconds before each further attempt to send what failed; none is begun `patience` seconds after the first.

        Both are short: the sender of the image waits meanwhile, keeps it, and has attempts of its own.
        """
        self._predictor, self._terms, self._send = predictor, terms, send
        self._pauses, self._patience = tuple(pauses), patience
        self._answered: OrderedDict[bytes, None] = OrderedDict()
        self.tally = Tally()
        self.stopping = threading.Event()  # set: no further attempts

    def process(self, data: bytes) -> Status:
        """Read one DICOM file and send its results; what its sender is told. Never raises for what image or archive do.

        Success: its results are in the archive, or it gets none (a result of ours, answered before, refused by the gate).
        """
        # Every Exception: one bad image must not stop the others; only its kind is told, for its text may quote the image.
        try:
            became, status = self._process(data)
        except PneumoError as error:
            became, status = f"not read: {error}", UNREADABLE
        except Exception as error:  # noqa: BLE001
            became, status = f"not read: {type(error).__name__}", FAULT
        self.tally.add(became.split(":")[0])
        log.info("image %s", became)
        return status

    def _process(self, data: bytes) -> tuple[str, Status]:
        # Archives that send on whatever arrives would have results read, or, sending whole studies, the same image for ever.
        if made_here(data):
            return "ignored: a result of this program", SUCCESS
        image = content_hash(data)
        if image in self._answered:
            return "ignored: answered before", SUCCESS
        finding = read(data, self._predictor)
        reasons = " ".join(finding.reasons)
        if finding.status == labels.Status.REJECTED:
            return f"rejected: {reasons}", SUCCESS
        if not finding.answer:
            return f"not read: {reasons}", UNREADABLE
        results = make_results(data, finding, self._predictor.card, self._terms, image)
        outcomes = self._delivered(list(results))
        for outcome in outcomes:
            self.tally.add(f"results {outcome.state}")
        told = "; ".join(f"{outcome.kind} {outcome.state}" + f" ({outcome.detail})" * bool(outcome.detail) for outcome in outcomes)
        if any(outcome.state == FAILED for outcome in outcomes):
            return f"read, results not stored: {told} Its sender was told that it failed.", NOT_STORED
        self._answered[image] = None
        if len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)
        return f"answered: {told}", SUCCESS

    def _delivered(self, objects: list[Dataset]) -> list[Outcome]:
        """Outcome of each after the last attempt; only what failed is sent again, under the same UIDs."""
        end = time.monotonic() + self._patience
        outcomes = list(self._send(objects))
        for pause in self._pauses:
            again = [index for index, outcome in enumerate(outcomes) if outcome.state == FAILED]
            if not again or time.monotonic() + pause > end or self.stopping.wait(pause):
                break
            for index, outcome in zip(again, self._send([objects[index] for index in again]), strict=True):
                outcomes[index] = outcome
        return outcomes
