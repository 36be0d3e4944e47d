"""Uploads are parsed in memory; the test parses them with Starlette, as Streamlit does."""

import asyncio
import tempfile

import pytest
from starlette.formparsers import MultiPartParser
from starlette.requests import Request

from pneumo.ui.shell.uploads import keep_in_memory

BODY = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.dcm"\r\n\r\n%b\r\n--edge--\r\n'
DATA = bytes(range(256)) * 12_000  # 3 MB


def parsed() -> bytes:
    body = BODY % DATA
    chunks = [body[start : start + 65536] for start in range(0, len(body), 65536)]

    async def receive():
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def read():
        headers = [(b"content-type", b"multipart/form-data; boundary=edge")]
        async with Request({"type": "http", "headers": headers}, receive).form() as form:
            return await form["file"].read()

    return asyncio.run(read())


def test_an_upload_is_not_written_to_a_temporary_file(monkeypatch):
    def made(*_, **__):
        raise AssertionError("a temporary file")

    monkeypatch.setattr(tempfile, "TemporaryFile", made)
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1024 * 1024)  # Starlette's own value; restored after the test
    with pytest.raises(AssertionError, match="a temporary file"):
        parsed()
    keep_in_memory()
    assert parsed() == DATA
