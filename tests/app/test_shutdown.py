"""The server ends soon after SIGTERM, whatever its clients do."""

import socket
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import streamlit
from browser.running import free_port, started, wait_for_answer


def stuck_client(port: int) -> socket.socket:
    """Asks for more than all buffers hold, and reads none of it."""
    files = Path(streamlit.__file__).parent / "static" / "static" / "js"
    name = max(files.iterdir(), key=lambda file: file.stat().st_size).name
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET /static/js/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * 8)
    return client


@pytest.mark.slow
def test_a_client_that_keeps_its_connection_does_not_keep_the_server(tmp_path):
    port = free_port()
    server = started(tmp_path, port)
    try:
        wait_for_answer(port)
        with closing(stuck_client(port)) as client:
            client.recv(1)  # the answer has begun
            server.terminate()
            server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        server.kill()
        raise
