"""A short version of bench/hostile_week.py. See docs/reliability.md."""

from collections import Counter

import pytest
from browser.running import needs_chromium
from exchange.fakes import FakeArchive

from bench.hostile_node import without_results
from bench.hostile_week import lost, play_week

pytestmark = [*needs_chromium, pytest.mark.long]


def test_a_bad_week_breaks_no_promise(chromium, tmp_path):
    week = play_week(chromium, tmp_path, sessions=3, uploads=12, kills=1, seed=0)
    assert week["broken"] == []
    assert week["app killed"] == week["node killed"] == 1
    assert week["decoding processes killed"] >= 1
    assert week["disk filled"] == 1 or "not permitted" in week["disk filled"]
    assert week["days that the clock was ahead"] == [0, 1826]
    assert week["answers acknowledged"] >= 3
    assert week["agreements acknowledged"] >= 1
    assert week["images acknowledged by the node"] == 4


def test_lost_answers_and_agreements_are_reported():
    cases = [("a", "agree"), ("a", "none"), ("b", "none"), ("c", "agree")]
    assert lost(Counter(a=2, b=1), {"a"}, cases) == []
    assert lost(Counter(a=3, b=1, d=2), {"a"}, cases) == ["3 answers are not in the record, which the page said are"]
    assert lost(Counter(b=1), {"b", "c"}, cases) == ["1 agreements are not in the record, which the page took"]


def test_an_image_without_results_is_reported():
    assert without_results([], FakeArchive()) == []
    assert [line.split(" of ")[0] for line in without_results(["1.2.3"], FakeArchive())] == [
        "the archive has no report",
        "the archive has no picture",
    ]
