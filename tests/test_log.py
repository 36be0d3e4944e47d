"""PNEUMO_LOG=json: no name, tag or reason of an X-ray reaches the log from any place that could log it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from exchange.dx import dx_dataset
from exchange.fakes import closed_port
from exchange.running import node_process, waited
from exchange.test_node import connection
from tiny_model import make_registry

from pneumo.exchange.settings import Archive

ROOT = Path(__file__).parent.parent
SECRET = "Geheimrat"
TAGS = {
    "PatientName": f"{SECRET}^Anna",
    "PatientID": f"{SECRET}-1",
    "StudyDescription": SECRET,
    "BodyPartExamined": SECRET.upper()[:16],
}
BEGIN = """
import logging, sys, warnings
from pneumo.log import begin_json_log, known
assert begin_json_log()
log = logging.getLogger('pneumo.part')
"""


def objects(text: str) -> list[dict]:
    """The log's lines; each must be a JSON object."""
    assert SECRET.lower() not in text.lower()
    events = [json.loads(line) for line in text.splitlines()]
    assert all({"time", "level", "logger", "event"} <= set(each) for each in events)
    return events


def logged(code: str, begin: str = BEGIN) -> list[dict]:
    environment = {**os.environ, "PNEUMO_LOG": "json"}
    words = [sys.executable, "-c", begin + code]
    return objects(subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, check=False).stderr)


def dicom(path: Path, **tags: str) -> Path:
    dx_dataset(side=64, **TAGS, **tags).save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize(
    ("call", "event"),
    [
        ("log.info('%d of %d read, %.1f s', 3, 4, 0.25)", "3 of 4 read, 0.2 s"),
        (f"log.info('read %s', '{SECRET}')", "read ..."),
        (f"log.info('read %r of %s', '{SECRET}', ['{SECRET}'])", "read '...' of ..."),
        (f"log.warning('%s', ValueError('{SECRET}'))", "ValueError"),
        (f"log.info('%(who)s', {{'who': '{SECRET}'}})", "%(who)s"),
        (f"print('{SECRET}', file=sys.stderr)", "a line for a reader; its words are left out"),
    ],
)
def test_an_event_is_the_sentence_in_the_code_with_numbers_only(call, event):
    assert [each["event"] for each in logged(call)] == [event]


def test_known_values_are_separate_fields():
    (line,) = logged("log.warning('Model %r is odd.', 'cnn', extra=known(model='cnn', tries=2))")
    assert (line["model"], line["tries"], line["level"], line["logger"]) == ("cnn", 2, "WARNING", "pneumo.part")


def test_of_an_exception_class_and_place_are_logged():
    handled = f"try:\n    int('{SECRET}')\nexcept ValueError:\n    log.exception('not read')"
    uncaught = f"open('/{SECRET}/{SECRET}')"
    thread = f"import threading\nthread = threading.Thread(target=int, args=('{SECRET}',))\nthread.start()\nthread.join()"
    for code, error in ((handled, "ValueError"), (uncaught, "FileNotFoundError"), (thread, "ValueError")):
        (line,) = logged(code)
        assert line["error"] == error
        assert line["source"].rpartition(":")[2].isdigit()


def test_of_libraries_messages_only_the_place_is_logged():
    """Also of libraries whose loggers have their own handlers, as Streamlit's do."""
    before = "from streamlit.logger import get_logger\nown = get_logger('streamlit.x')\n" + BEGIN
    (line,) = logged(f"own.error('{SECRET} %s', '{SECRET}')", before)
    assert line["logger"] == "streamlit.x"
    assert line["source"] == "<string>:8"
    assert SECRET not in str(logged(f"get_logger('streamlit.later').error('{SECRET}')", before))
    (line,) = logged(f"warnings.warn('{SECRET}')")
    assert line["logger"] == "py.warnings"


@pytest.mark.slow
def test_the_log_of_a_command(tmp_path):
    root = make_registry(tmp_path / "models")
    files = tmp_path / SECRET
    files.mkdir()
    dicom(files / f"{SECRET}.dcm")
    (files / f"broken {SECRET}.dcm").write_bytes(dicom(tmp_path / "whole.dcm").read_bytes()[:2000])
    (files / f"{SECRET}.png").write_bytes(b"no picture " + SECRET.encode())
    environment = {**os.environ, "PNEUMO_LOG": "json", "PNEUMO_MODELS_DIR": str(root)}
    words = [sys.executable, "-m", "pneumo", "predict", str(files), str(tmp_path / f"gone {SECRET}.png"), "--format", "json"]
    done = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert {json.loads(line)["file"] for line in done.stdout.splitlines()} >= {f"{files}/{SECRET}.png"}
    lines = objects(done.stderr)
    assert [each["model"] for each in lines if each["level"] == "WARNING"] == ["tiny"]  # it is not signed
    words[-4:] = [str(files), "--model", SECRET]
    done = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert objects(done.stderr)[-1]["event"] == "ended by ModelError"


@pytest.mark.slow
@pytest.mark.long
def test_the_log_of_the_node(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    root, log, port = make_registry(tmp_path / "models"), tmp_path / "log", closed_port()
    away = Archive("127.0.0.1", closed_port(), "ARCHIVE")
    settings = {"PNEUMO_LOG": "json", "PNEUMO_SEND_TIMEOUT": "2"}
    with node_process(root, log, away, port, **settings):
        with connection(SimpleNamespace(port=port)) as association:
            for tags in ({}, {"Rows": 3}, {"Manufacturer": "Pneumo", "SeriesDescription": SECRET}):
                association.send_c_store(dx_dataset(side=64, **{**TAGS, **tags}))
        assert waited(lambda: log.read_text().count('"outcome"') == 3, 60), log.read_text()
    lines = objects(log.read_text())
    outcomes = [each["outcome"] for each in lines if "outcome" in each]
    assert "read, results not stored" in outcomes
    assert "not read" in outcomes
    (start,) = [each for each in lines if "listens on" in each["event"]]
    assert (start["model"], start["logger"]) == ("tiny", "pneumo.cli.node")
    assert lines[-1]["tally"]


def test_of_an_exception_in_a_page_only_the_class_is_logged():
    page = f"raise ValueError('{SECRET}')"
    code = f'from streamlit.testing.v1 import AppTest\n{BEGIN}\nAppTest.from_string("{page}").run()'
    words = [sys.executable, "-c", code]
    environment = {**os.environ, "PNEUMO_LOG": "json"}
    done = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "ValueError" in [each.get("error") for each in objects(done.stderr)]
    assert SECRET not in done.stdout
