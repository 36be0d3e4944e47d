"""A short run of bench/fuzz_files.py for every build, with fixed inputs. See docs/reliability.md for the long run."""

import sys
import time
from collections import Counter

import numpy as np
import pytest
from makers import NAME, png_bytes, ramp

from fuzz.gate import destroyed, noise_pictures, put_to_the_model
from fuzz.harness import Cost, Watched, broken_promise, run, smaller
from fuzz.mutate import mutant
from fuzz.seeds import CORPUS, read_corpus, seeds
from pneumo.errors import ImageError
from pneumo.imaging.decoding.decode import Decoded, decode_or_refuse

INPUTS, SECONDS = 1500, 60  # an idle machine takes a third of the time
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are watched through /proc")
CHEAP = Cost(0.1, 0.1, 1 << 20)


@pytest.fixture(scope="module")
def corpus():
    return read_corpus()


def test_the_corpus_is_small_generated_and_read(corpus):
    assert sum(map(len, corpus.values())) < 300_000
    assert set(corpus) == set(seeds())
    refused = {name for name, data in corpus.items() if not isinstance(decode_or_refuse(data), Decoded)}
    assert refused == {"animated.png", "deflated.dcm"}
    assert all(NAME.encode() in data for name, data in corpus.items() if name[-3:] == "dcm" and name != "deflated.dcm")
    assert all(path.stat().st_size < 20_000 for path in CORPUS.iterdir())


def test_inputs_are_reproducible(corpus):
    assert [mutant(corpus, 5, n) for n in range(50)] == [mutant(corpus, 5, n) for n in range(50)]
    assert mutant(corpus, 5, 7) != mutant(corpus, 6, 7)


@pytest.mark.long
def test_no_promise_is_broken(corpus):
    decoders = Watched()
    inputs = ((name, number, data) for number in range(INPUTS) for name, data in [mutant(corpus, 1, number)])
    results = list(run(inputs, decoders, time.monotonic() + SECONDS))
    decoders.close()
    assert [(result.number, result.name, result.broken) for result in results if result.broken] == []
    outcomes = Counter(result.outcome for result in results)
    assert len(results) == INPUTS or outcomes.total() > 200  # fewer on a busy machine
    assert min(outcomes[name] for name in ("Decoded", "ImageError", "ImageRejected")) > 0.02 * len(results)  # past first checks


def test_no_answer_for_noise(corpus):
    assert put_to_the_model(noise_pictures(20), "cnn") == 0


def test_destroyed_is_another_picture(corpus):
    phantom = decode_or_refuse(corpus["grey8.png"])
    assert not destroyed(phantom, phantom)
    assert destroyed(decode_or_refuse(png_bytes(ramp())), phantom)


def test_each_broken_promise_is_reported():
    picture = decode_or_refuse(png_bytes(ramp()))
    assert broken_promise(picture, CHEAP) == ""
    assert "ended with -11" in broken_promise(ImageError("x"), Cost(0.1, 0.1, 0, -11))
    assert "slow" in broken_promise(picture, Cost(6.0, 6.0, 0))
    assert "memory" in broken_promise(picture, Cost(0.1, 0.1, 3 << 30))
    for message in (
        "",
        "cannot identify",
        f"The file of {NAME} cannot be read. Export it again.",
        "See /usr/lib/x.py for it, you know.",
    ):
        assert broken_promise(ImageError(message), CHEAP)
    picture.radiograph.pixels.setflags(write=True)
    picture.radiograph.pixels[3, 3] = np.nan
    assert "pixels" in broken_promise(picture, CHEAP)


def test_a_failing_input_is_shortened():
    assert smaller(b"a" * 500 + b"bad" + b"c" * 300, lambda data: b"bad" in data) == b"bad"
