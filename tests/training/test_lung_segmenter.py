"""A segmenter trained for a moment on phantoms: it learns, its folder verifies, and it says what it was made from."""

import json
from functools import partial

import numpy as np
import pytest

from pneumo.data.outlines import Outline
from pneumo.data.phantom import write_set
from pneumo.data.records import scan
from pneumo.errors import ConfigError, DataError
from pneumo.evaluation.overlap import dice
from pneumo.inference.lung_fields import LungFinder
from pneumo.nets.lung_net import lung_net
from pneumo.training.lung_samples import phantom_samples
from pneumo.training.lung_segmenter import LungConfig, train_lungs

LUNGS = (((50.0, 50.0), (90.0, 50.0), (90.0, 150.0), (40.0, 150.0)), ((130.0, 50.0), (170.0, 50.0), (180.0, 150.0), (130.0, 150.0)))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("lungs") / "set"
    write_set(root, patients=3)
    return root


@pytest.fixture(scope="module")
def outlines(data):
    paths = [record.path for record in scan(data, ("train",))]
    return tuple(Outline(path, number < 2, LUNGS) for number, path in enumerate(paths[:5]))


def smaller(monkeypatch, *widths):
    """The same network with fewer levels: preparing its training takes most of the time here."""
    monkeypatch.setattr("pneumo.training.lung_segmenter.lung_net", partial(lung_net, widths=widths))


def test_it_learns_where_the_lungs_of_phantoms_are(data, outlines, tmp_path, monkeypatch):
    smaller(monkeypatch, 8, 16, 32)
    config = LungConfig(source="phantoms", side=48, phantoms=24, steps=40, batch=8, learning_rate=5e-3)
    train_lungs(config, tmp_path / "lungs", data, outlines)
    finder, unseen = LungFinder.load(tmp_path / "lungs"), phantom_samples(6, 99)
    overlaps = [dice(finder.probability(image) > 0.5, mask) for image, mask in zip(unseen.images, unseen.masks, strict=True)]
    assert np.mean(overlaps) > 0.6


def test_the_description_says_what_it_was_made_from(data, outlines, tmp_path, monkeypatch):
    smaller(monkeypatch, 4, 8)
    config = LungConfig(side=32, phantoms=3, steps=2, batch=2, found=4, least_quality=2.0)
    described = train_lungs(config, tmp_path / "lungs", data, outlines)
    assert json.loads((tmp_path / "lungs" / "lungs.json").read_text()) == described
    assert described["training"]["source"] == "self"
    assert described["outlined_images"] == 3
    assert described["found_images"] == 0
    assert described["kept_aside"]["n"] == described["first_net_kept_aside"]["n"] == 2
    assert set(described["kept_aside"]["each"]) == {outline.path for outline in outlines[:2]}
    LungFinder.load(tmp_path / "lungs")


def test_an_unknown_source_is_refused_before_any_work():
    with pytest.raises(ConfigError, match="'guess'"):
        LungConfig(source="guess")


def test_missing_images_are_named(data, outlines, tmp_path):
    gone = (*outlines, Outline("train/NORMAL/gone.jpeg", False, LUNGS))
    with pytest.raises(DataError, match=r"gone\.jpeg"):
        train_lungs(LungConfig(source="outlines", side=32, phantoms=3, steps=1, batch=2), tmp_path / "lungs", data, gone)
