"""A short run of bench/fuzz_coverage.py; its targets notice a broken promise."""

import importlib.util
import io
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fuzz import targets as kinds
from fuzz.zips import change_zip, zips
from pneumo.imaging.decoding import archive
from pneumo.imaging.decoding.archive import members_of

ROOT = Path(__file__).parents[2]
TARGETS = kinds.targets()


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this system")
@pytest.mark.long
def test_new_code_is_reached_and_no_promise_is_broken(tmp_path):
    """With zips, the fastest; `.ci/run` runs all three for a minute."""
    command = [sys.executable, ROOT / "bench" / "fuzz_coverage.py", "zip", "--seconds", "10", "--findings", tmp_path]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    target, inputs, seeded, reached = ended.stdout.splitlines()[-1].replace(",", "").strip("| ").split(" | ")[:4]
    assert target == "zip"
    assert int(inputs) > len(TARGETS["zip"].seeds)
    assert int(reached) >= int(seeded) > 50


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_keep_every_promise(target):
    one = TARGETS[target]
    assert {name: one.broken(data) for name, data in one.seeds.items()} == dict.fromkeys(one.seeds, "")
    assert sum(map(len, one.seeds.values())) < 300_000


def test_the_zips_hold_images_folders_or_nothing():
    offered = {name: [member.name for member in members_of("z.zip", data).members] for name, data in TARGETS["zip"].seeds.items()}
    assert len(offered["packed.zip"]) == 3
    assert offered["folders.zip"] == ["z.zip/a/b/IM1"]
    assert offered["empty.zip"] == ["z.zip"]  # the archive itself is listed, with the reason


def test_damage_to_a_zip_is_reproducible_and_mostly_leaves_a_zip():
    data = TARGETS["zip"].seeds["packed.zip"]
    made = [change_zip(data, random.Random(n)) for n in range(100)]
    assert made == [change_zip(data, random.Random(n)) for n in range(100)]
    assert sum(zipfile.is_zipfile(io.BytesIO(each)) for each in made) > 60
    assert len(set(made)) > 80
    assert zips(dict(kinds.read_corpus()))["packed.zip"] == data


def test_a_broken_promise_is_seen(monkeypatch):
    data = TARGETS["zip"].seeds["packed.zip"]
    monkeypatch.setattr(archive, "shown_name", lambda name: name + "\n")
    assert "the name" in kinds.broken_archive(data)
    monkeypatch.undo()
    monkeypatch.setattr(archive, "_reason", lambda bundle, info, limits: "/tmp/x")
    assert "no fitting message" in kinds.broken_archive(data)
    monkeypatch.setattr(kinds, "SLOW", -1.0)
    assert "slow" in kinds.timed(lambda data: "")(data)
