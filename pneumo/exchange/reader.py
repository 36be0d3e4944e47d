"""One received image -> its results in the archive. Whatever the image holds, the next one is read."""

import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence

from pydicom.dataset import Dataset

from pneumo.errors import PneumoError
from pneumo.exchange.inbox import Received
from pneumo.exchange.outcome import FAILED, Outcome
from pneumo.exchange.results import make_results
from pneumo.exchange.source import made_here
from pneumo.inference.finding import read
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

    def __init__(self, predictor: Predictor, operating_point: str, send: Send, pauses: Sequence[float] = (2.0, 10.0, 30.0)):
        """`pauses`: seconds before each further attempt to send what failed."""
        self._predictor, self._operating_point, self._send, self._pauses = predictor, operating_point, send, tuple(pauses)
        self._answered: OrderedDict[bytes, None] = OrderedDict()
        self.tally = Tally()
        self.stopping = threading.Event()  # set: no further attempts

    def process(self, received: Received) -> None:
        """Read one and send its results. Never raises for what the image or the archive does."""
        # Every Exception: one bad image must not stop the others; only its kind is told, for its text may quote the image.
        try:
            became = self._process(received)
        except PneumoError as error:
            became = f"not read: {error}"
        except Exception as error:  # noqa: BLE001
            became = f"not read: {type(error).__name__}"
        self.tally.add(became.split(":")[0])
        log.info("image %s", became)

    def _process(self, received: Received) -> str:
        # Archives that send on whatever arrives would have results read, or, sending whole studies, the same image for ever.
        if made_here(received.data):
            return "ignored: a result of this program"
        if received.key in self._answered:
            return "ignored: answered before"
        finding = read(received.data, self._predictor)
        if not finding.answer:
            return f"{'rejected' if finding.status == 'rejected' else 'not read'}: {' '.join(finding.reasons)}"
        results = make_results(received.data, finding, self._predictor.card, self._operating_point)
        outcomes = self._delivered(list(results))
        for outcome in outcomes:
            self.tally.add(f"results {outcome.state}")
        told = "; ".join(f"{outcome.kind} {outcome.state}" + f" ({outcome.detail})" * bool(outcome.detail) for outcome in outcomes)
        if any(outcome.state == FAILED for outcome in outcomes):
            return f"read, results lost: {told} Send the study again."
        self._answered[received.key] = None
        if len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)
        return f"answered: {told}"

    def _delivered(self, objects: list[Dataset]) -> list[Outcome]:
        """Outcome of each after the last attempt; only what failed is sent again, under the same UIDs."""
        outcomes = list(self._send(objects))
        for pause in self._pauses:
            again = [index for index, outcome in enumerate(outcomes) if outcome.state == FAILED]
            if not again or self.stopping.wait(pause):
                break
            for index, outcome in zip(again, self._send([objects[index] for index in again]), strict=True):
                outcomes[index] = outcome
        return outcomes
