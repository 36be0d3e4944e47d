"""Received image -> results in the archive. A bad image never stops the next one."""

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence

from pydicom.dataset import Dataset

from pneumo import labels
from pneumo.errors import PneumoError
from pneumo.exchange.inbox import FAULT, NOT_STORED, SUCCESS, UNREADABLE, Status
from pneumo.exchange.outcome import FAILED, Outcome
from pneumo.exchange.results import Selection, make_results
from pneumo.exchange.source import content_hash, is_own_result
from pneumo.inference.finding import Terms, read
from pneumo.inference.predictor import Predictor
from pneumo.log import known

log = logging.getLogger(__name__)
Send = Callable[[Sequence[Dataset]], tuple[Outcome, ...]]
_REMEMBERED = 10_000  # recently answered images, not to be answered again


class Tally:
    """Thread-safe counts by outcome; `str` formats them for the log."""

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
    """Reads images one at a time and sends the results. Logs and counts outcomes, never an identifier."""

    def __init__(
        self,
        predictor: Predictor,
        terms: Terms,
        send: Send,
        pauses: Sequence[float] = (1.0, 3.0),
        retry_window: float = 8.0,
        selection: Selection | None = None,
    ):
        """`pauses`: seconds before each retry of what failed; none starts `retry_window` seconds after the first attempt.

        Both are short: meanwhile the sender waits. It keeps the image and can retry itself. `selection`: which results are made.
        """
        self._predictor, self._terms, self._send = predictor, terms, send
        self._selection = selection
        self._pauses, self._retry_window = tuple(pauses), retry_window
        self._answered: OrderedDict[bytes, None] = OrderedDict()
        self.tally = Tally()
        self.stopping = threading.Event()  # set: no further attempts

    def process(self, data: bytes) -> Status:
        """Read one DICOM file and send its results; returns the answer to its sender. Never raises because of image or archive.

        Success: its results are in the archive, or it gets none, as it is our own, was answered before, or the gate refuses it.
        """
        # Catch every Exception: a bad image must not stop the others. Log only its class: its text may quote the image.
        try:
            outcome, status = self._process(data)
        except PneumoError as error:
            outcome, status = f"not read: {error}", UNREADABLE
        except Exception as error:  # noqa: BLE001
            outcome, status = f"not read: {type(error).__name__}", FAULT
        kind = outcome.split(":")[0]
        self.tally.add(kind)
        log.info("image %s", outcome, extra=known(outcome=kind))
        return status

    def _process(self, data: bytes) -> tuple[str, Status]:
        # Archives that forward everything would otherwise send us our own results, or the same image again and again.
        if is_own_result(data):
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
        results = make_results(data, finding, self._predictor.card, self._terms, self._selection, image)
        outcomes = self._delivered(list(results))
        for outcome in outcomes:
            self.tally.add(f"results {outcome.state}")
        summary = "; ".join(
            f"{outcome.kind} {outcome.state}" + f" ({outcome.detail})" * bool(outcome.detail) for outcome in outcomes
        )
        if any(outcome.state == FAILED for outcome in outcomes):
            return f"read, results not stored: {summary} Its sender was told that it failed.", NOT_STORED
        self._answered[image] = None
        if len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)
        return f"answered: {summary}", SUCCESS

    def _delivered(self, objects: list[Dataset]) -> list[Outcome]:
        """Send with retries; the final outcome of each object. Only failed objects are sent again, with the same UIDs."""
        end = time.monotonic() + self._retry_window
        outcomes = list(self._send(objects))
        for pause in self._pauses:
            failed = [index for index, outcome in enumerate(outcomes) if outcome.state == FAILED]
            if not failed or time.monotonic() + pause > end or self.stopping.wait(pause):
                break
            for index, outcome in zip(failed, self._send([objects[index] for index in failed]), strict=True):
                outcomes[index] = outcome
        return outcomes
