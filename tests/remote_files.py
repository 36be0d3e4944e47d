"""A file server that misbehaves on demand."""

import hashlib
import json
import random
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pneumo.data.download import Patience, Source, fetch

CHUNK = 1024


BODY = random.Random(5).randbytes(40_000)


QUICK = Patience(retries=3, backoff=0.001, timeout=2)


class Remote(ThreadingHTTPServer):
    """One file and its listing. The attributes set how the server behaves; `asked` and `ranges` record the requests."""

    daemon_threads = True

    def __init__(self, body=BODY):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body, self.tag, self.cuts, self.statuses, self.slow = body, '"one"', [], [], 0.0
        self.ranged, self.minds_if_range, self.says_length = True, True, True
        self.listing, self.asked, self.ranges, self.if_ranges = None, [], [], []
        base = f"http://127.0.0.1:{self.server_port}"
        self.source = Source(f"{base}/moved", "set.zip", f"{base}/listing")

    def entries(self):
        if self.listing is not None:
            return self.listing
        details = {"sha256_hash": digest(self.body), "size": len(self.body)}
        return json.dumps(
            [{"filename": "other.zip"} | {"content_details": {}}, {"filename": "set.zip", "content_details": details}]
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def head(self, status, length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()

    def do_GET(self):
        remote = self.server
        remote.asked.append(self.path)
        if self.path == "/listing":
            answer = remote.entries().encode()
            self.head(200, len(answer), Content_Type="application/json")
            self.wfile.write(answer)
        elif self.path == "/moved":  # Mendeley also redirects to the file
            self.head(302, 0, Location="/file")
        else:
            self.file(remote)

    def file(self, remote):
        asked = self.headers.get("Range")
        remote.ranges.append(asked)
        remote.if_ranges.append(self.headers.get("If-Range"))
        if remote.statuses and (status := remote.statuses.pop(0)):
            return self.head(status, 0)
        total, start = len(remote.body), 0
        same = not remote.minds_if_range or self.headers.get("If-Range", remote.tag) == remote.tag
        if asked and remote.ranged and same:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            if start >= total:
                return self.head(416, 0, Content_Range=f"bytes */{total}")
        extra = {"ETag": remote.tag} if remote.tag else {}
        if start:
            extra["Content_Range"] = f"bytes {start}-{total - 1}/{total}"
        self.head(206 if start else 200, total - start if remote.says_length else None, **extra)
        end = start + remote.cuts.pop(0) if remote.cuts else total
        for place in range(start, min(end, total), CHUNK):
            self.wfile.write(remote.body[place : min(place + CHUNK, end)])
            time.sleep(remote.slow)
        if end < total:
            self.close_connection = True


def digest(body):
    return hashlib.sha256(body).hexdigest()


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def get(remote, folder, **settings):
    return fetch(remote.source, folder, **{"patience": QUICK} | settings)
