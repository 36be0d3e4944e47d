import threading

import pytest
from remote_files import CHUNK, Remote

from pneumo.data import download


@pytest.fixture
def remote(monkeypatch):
    """A running server of one file, which is read in small chunks."""
    monkeypatch.setattr(download, "CHUNK", CHUNK)
    server = Remote()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
