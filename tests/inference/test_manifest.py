import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.errors import ConfigError, DataError
from pneumo.imaging.overlay import png
from pneumo.inference import manifest as module
from pneumo.inference.manifest import Manifest

ASKS = {"model": "tiny", "operating_point": "balanced"}
NOTHING = hashlib.sha256(b"").hexdigest()


class Engine:
    """Answers with the file's text and records each path; `ahead` paths are taken before the first answer."""

    def __init__(self, ahead: int = 2, stop_after: int | None = None):
        self.ahead, self.stop_after, self.asked = ahead, stop_after, []

    def __call__(self, paths):
        waiting, given = [], 0
        for path in paths:
            self.asked.append(Path(path).name)
            names = [f"{path}/a", f"{path}/b"] if path.endswith(".zip") else [path]
            waiting += [] if "hollow" in path else names
            while len(waiting) > self.ahead:
                yield self.answer(waiting.pop(0))
                given += 1
                if given == self.stop_after:
                    raise KeyboardInterrupt
        for name in waiting:
            yield self.answer(name)

    def answer(self, name):
        file = Path(name) if Path(name).exists() else Path(name).parent
        return name, file.read_text() if file.is_file() and file.name != "locked" else None


def row(name, text):
    status = "error" if text is None else "ok"
    return {"file": name, "status": status, "sha256": NOTHING if text is None else hashlib.sha256(text.encode()).hexdigest()}


@pytest.fixture
def paths(tmp_path):
    """Files, an archive of two, an archive that gives nothing, a missing file, one that cannot be opened."""
    names = ("one", "two.zip", "hollow.zip", "three", "absent", "locked", "four")
    for name in names:
        if name != "absent":
            (tmp_path / name).write_text(name)
    return [str(tmp_path / name) for name in names]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "done.jsonl"


def start(file, paths, engine, asks=ASKS):
    """All rows of one start, up to an interruption."""
    rows = []
    try:
        with Manifest(file, asks) as manifest:
            for entry in manifest.rows(paths, engine, row):
                rows.append(Path(entry["file"]).relative_to(file.parent).as_posix())
    except KeyboardInterrupt:
        pass
    return rows


ROWS = ["one", "two.zip/a", "two.zip/b", "three", "absent", "locked", "four"]


def noted(file):
    return [Path(json.loads(line)["path"]).name for line in file.read_text().splitlines()[1:]]


@pytest.mark.parametrize("ahead", [0, 2, 99])
def test_rows_are_in_order_and_a_second_start_reads_only_what_could_not_be_opened(file, paths, ahead):
    assert start(file, paths, Engine(ahead)) == ROWS
    assert noted(file) == ["one", "two.zip", "three", "four"]
    engine = Engine(ahead)
    assert start(file, paths, engine) == ROWS
    assert engine.asked == ["hollow.zip", "absent", "locked"]
    assert noted(file) == ["one", "two.zip", "three", "four"]


@pytest.mark.parametrize("stop", range(1, 6))
def test_an_interruption_anywhere_loses_and_repeats_nothing(file, paths, stop):
    begun = start(file, paths, Engine(ahead=0, stop_after=stop))
    assert begun == ROWS[: len(begun)]
    before = noted(file)
    engine = Engine(ahead=0)
    assert start(file, paths, engine) == ROWS
    assert not set(before) & set(engine.asked)
    assert noted(file) == ["one", "two.zip", "three", "four"]


def test_an_archive_interrupted_in_the_middle_is_read_again_in_full(file, paths):
    start(file, paths, Engine(ahead=0, stop_after=2))
    assert noted(file) == ["one"]
    engine = Engine()
    start(file, paths, engine)
    assert "two.zip" in engine.asked


def test_a_changed_file_is_read_again_and_its_last_line_counts(file, paths):
    start(file, paths, Engine())
    Path(paths[0]).write_text("another")
    os.utime(paths[3], ns=(1, 1))  # the same bytes, touched
    for asked in (["one", "hollow.zip", "three", "absent", "locked"], ["hollow.zip", "absent", "locked"]):
        engine = Engine()
        assert start(file, paths, engine) == ROWS
        assert engine.asked == asked
    with Manifest(file, ASKS) as manifest:
        first = next(manifest.rows(paths[:1], Engine(), row))
    assert first["sha256"] == hashlib.sha256(b"another").hexdigest()


def test_a_path_named_twice_has_one_row(file, paths):
    assert start(file, [paths[0], paths[3], paths[0]], Engine()) == ["one", "three"]


def test_an_incomplete_last_line_is_dropped_and_its_file_read_again(file, paths):
    start(file, paths, Engine())
    whole = file.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for cut in (last + 1, len(whole) - 1):
        file.write_bytes(whole[:cut])
        engine = Engine()
        assert start(file, paths, engine) == ROWS
        assert engine.asked == ["hollow.zip", "absent", "locked", "four"]
        assert file.read_bytes() == whole


def test_a_manifest_with_an_incomplete_first_line_starts_again(file, paths):
    start(file, paths, Engine())
    whole = file.read_bytes()
    file.write_bytes(whole[:20])
    assert start(file, paths, Engine()) == ROWS
    assert file.read_bytes() == whole


def test_what_differs_is_named_and_nothing_is_written(file, paths):
    start(file, paths, Engine())
    before = file.read_bytes()
    with pytest.raises(ConfigError, match=r"operating point 'balanced', now 'rule-in'"):
        start(file, paths, Engine(), {**ASKS, "operating_point": "rule-in"})
    with pytest.raises(ConfigError, match=r"model 'tiny', now 'other'"):
        start(file, paths, Engine(), {**ASKS, "model": "other"})
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\nand so on", b'{"file": "x"}\n{"file": "y"', b"[1]\n", b"no line end"])
def test_another_file_is_refused_and_left_as_it_was(file, content):
    file.write_bytes(content)
    with pytest.raises(DataError, match="not a manifest"):
        Manifest(file, ASKS)
    assert file.read_bytes() == content


def test_a_damaged_line_in_the_middle_is_reported(file, paths):
    start(file, paths, Engine())
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], b"{\n", *lines[2:]]))
    with pytest.raises(DataError, match=f"damaged at byte {len(lines[0])}"):
        Manifest(file, ASKS)


def test_one_process_at_a_time(file):
    with FileLock(f"{file}.lock"), pytest.raises(ConfigError, match="Another process"):
        Manifest(file, ASKS)
    with Manifest(file, ASKS):
        pass


def test_a_missing_folder_is_reported(tmp_path):
    with pytest.raises(ConfigError, match="cannot be opened"):
        Manifest(tmp_path / "absent" / "done.jsonl", ASKS)


def test_lines_reach_the_disk_by_batches(file, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(module.os, "fsync", lambda number: synced.append(noted(file)))
    monkeypatch.setattr(module, "SYNC_EVERY", 2)
    paths = [str(tmp_path / name) for name in "abcde"]
    for path in paths:
        Path(path).write_text("x")
    start(file, paths, Engine(ahead=0))
    assert [len(lines) for lines in synced] == [0, 2, 4, 5]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    images = tmp_path / "in box"
    images.mkdir()
    for number in range(8):
        (images / f"{number}.png").write_bytes(png(np.full((80, 100), 30 * number, np.uint8)))
    (images / "broken.jpg").write_text("a letter")
    return images


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX only")
def test_predict_continues_after_a_kill(folder, file, tmp_path, capsys):
    """The first start waits for an empty pipe until it is killed."""
    given = [str(folder / f"{number}.png") for number in range(8)]
    os.mkfifo(tmp_path / "pipe")
    words = [sys.executable, "-m", "pneumo", "predict", *given[:6], str(tmp_path / "pipe"), "--manifest", str(file)]
    first = subprocess.Popen(words, stdout=subprocess.DEVNULL, cwd=Path(__file__).parents[2])
    end = time.monotonic() + 60
    while not (file.exists() and noted(file)) and time.monotonic() < end:
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = file.read_bytes()
    assert 1 <= len(noted(file)) < 6
    assert main(["predict", *given, "--format", "json", "--manifest", str(file)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["file"] for row in rows] == given
    assert file.read_bytes().startswith(before)
    assert [json.loads(line)["rows"] for line in file.read_text().splitlines()[1:]] == [[row] for row in rows]


def test_predict_from_the_manifest_prints_the_same(folder, file, tmp_path, capsys):
    words = ["predict", str(folder), "--format", "json"]
    assert main(words) == 1
    plain = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = []
    for _ in range(2):
        assert main([*words, "--manifest", str(file)]) == 1
        out, err = capsys.readouterr()
        told.append(out)
        assert "broken.jpg" in err
    assert told[0] == told[1]  # with the same seconds: it was answered only once
    assert [{**json.loads(line), "seconds": 0} for line in told[0].splitlines()] == [{**line, "seconds": 0} for line in plain]


def test_predict_refuses_another_operating_point_before_it_touches_the_output(folder, file, tmp_path, capsys):
    output = tmp_path / "out.csv"
    words = ["predict", str(folder), "--format", "csv", "--manifest", str(file), "--output", str(output)]
    main(words)
    before = output.read_bytes()
    assert main([*words, "--operating-point", "rule-in"]) == 2
    assert "operating point 'balanced', now 'rule-in'" in capsys.readouterr().err
    assert output.read_bytes() == before


def test_predict_refuses_another_model_of_the_same_name(folder, file, tmp_path, capsys, monkeypatch):
    words = ["predict", str(folder / "0.png"), "--manifest", str(file)]
    assert main(words) == 0
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "telling", subtype=True)))
    assert main(words) == 2
    assert "card sha256" in capsys.readouterr().err
