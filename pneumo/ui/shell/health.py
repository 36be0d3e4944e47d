"""/health: whether the running app can answer, not only that it is alive, which Streamlit's own /_stcore/health says."""

import threading
import time

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pneumo.inference.health import Health, check_health

AT_MOST_EVERY = 20.0  # seconds: whoever asks more often gets the last result


class HealthRoute:
    """Answers 200 where it serves, else 503; the body names the parts that fail and nothing else."""

    def __init__(self) -> None:
        self._checking = threading.Lock()
        self._latest: tuple[float, Health] | None = None

    def __call__(self, request: Request) -> JSONResponse:  # not async: Starlette runs it on a thread, and the pages go on
        with self._checking:
            if self._latest is None or time.monotonic() - self._latest[0] >= AT_MOST_EVERY:
                checked = check_health()
                self._latest = (time.monotonic(), checked)
            health = self._latest[1]
        return JSONResponse({"serving": health.serving, "failing": health.failing}, 200 if health.serving else 503)


def health_route() -> Route:
    return Route("/health", HealthRoute().__call__, methods=["GET"])
