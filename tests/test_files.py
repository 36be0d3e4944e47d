import hashlib
import json

import pytest

from pneumo.files import output_stem, sha256, tail, write_json


def test_json_round_trip_leaves_no_temporary_file(tmp_path):
    path = tmp_path / "card.json"
    for value in ({"a": [1, 2.5, None], "é": "ü"}, {"b": 2}):
        write_json(path, value)
        assert json.loads(path.read_text(encoding="utf-8")) == value
    assert path.read_text().endswith("\n")
    assert [p.name for p in tmp_path.iterdir()] == ["card.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "card.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}


def test_readers_see_the_old_file_until_the_new_one_is_complete(tmp_path, monkeypatch):
    path = tmp_path / "card.json"
    write_json(path, {"a": 1})
    seen = []
    replace = type(path).replace
    monkeypatch.setattr(type(path), "replace", lambda self, to: (seen.append(path.read_text()), replace(self, to))[1])
    write_json(path, {"a": 2})
    assert json.loads(seen[0]) == {"a": 1}
    assert json.loads(path.read_text()) == {"a": 2}


def test_sha256(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc" * 100_000)
    assert sha256(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()
    path.write_bytes(b"")
    assert sha256(path) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("in box/weiß 1.png", "weiß 1-01234567"),
        ("x" * 240 + ".dcm", "x" * 60 + "-01234567"),
        ("a\nb\x1b\udcfc?*:|<>.png", "a_b________-01234567"),
        ("study.zip/..", "..-01234567"),
    ],
)
def test_output_stem(path, expected):
    assert output_stem(path, "0123456789abcdef") == expected


def test_output_stem_fits_any_file_system(tmp_path):
    name = output_stem("\U0001f600" * 60 + ".png", "0" * 64) + "-secondary-capture.dcm"
    (tmp_path / name).write_bytes(b"")  # 255 bytes at most
    assert len(name.encode()) < 255


def test_the_tail_of_a_log(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("\n".join(map(str, range(5000))) + "\n\n")
    assert tail(log, 2) == "4998\n4999"
    assert tail(tmp_path / "absent.txt") == ""
