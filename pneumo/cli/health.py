"""`pneumo health`: whether the app or the node that runs here serves. For health checks of containers, services and monitoring."""

import argparse
import json
import os
import socket
import time
import urllib.error
import urllib.request

from pneumo.cli.commands import Commands, add_command

SERVING, ALIVE, NOTHING = 0, 1, 2
_WORDS = {SERVING: "serving", ALIVE: "alive, not serving", NOTHING: "nothing answers"}


def add(commands: Commands) -> None:
    about = "whether the app or node here serves; exit 0: serving, 1: alive but not serving, 2: nothing answers"
    health = add_command(commands, "health", run, about)
    port = os.environ.get("STREAMLIT_SERVER_PORT", "8501")
    health.add_argument("--port", type=int, default=port, help="of the app; default: 8501")
    health.add_argument("--node", type=int, metavar="PORT", help="ask the node instead")
    health.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="ask again until it serves, for so long")


def run(options: argparse.Namespace) -> int:
    end = time.monotonic() + options.wait
    while True:
        code, failing = _node(options.node) if options.node is not None else _app(options.port)
        if code == SERVING or time.monotonic() >= end:
            break
        time.sleep(1)
    print(_WORDS[code] + (f": {', '.join(failing)}" if failing else ""))
    return code


def _app(port: int) -> tuple[int, list[str]]:
    """The exit code, and the parts that fail."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{port}/health", timeout=40) as answer:
            return _parsed(answer.read())
    except urllib.error.HTTPError as error:
        return _parsed(error.read())
    except OSError:
        return NOTHING, []


def _parsed(body: bytes) -> tuple[int, list[str]]:
    try:
        answer = json.loads(body)
        return (SERVING if answer["serving"] is True else ALIVE), [str(part) for part in answer["failing"]]
    except (ValueError, TypeError, KeyError):  # the page of another program, or a refusal of the door
        return ALIVE, []


def _node(port: int) -> tuple[int, list[str]]:
    """The node speaks DICOM alone, and may admit no caller but its archive: it is alive where it takes a connection. The rest is
    checked from here, in the same installation."""
    from pneumo.inference.health import check_health

    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except OSError:
        return NOTHING, []
    health = check_health()
    return (SERVING if health.serving else ALIVE), health.failing
