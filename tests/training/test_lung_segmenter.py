"""A segmenter after short training: it learns, its folder verifies, and its description says what it was made from."""

import json
from functools import partial

import numpy as np
import pytest
from phantom_sets import copy_set

from pneumo.data.lung_masks import LungMasks
from pneumo.data.records import scan
from pneumo.data.split import split_records
from pneumo.errors import DataError
from pneumo.evaluation.metrics import dice
from pneumo.inference.lung_fields import LungFinder
from pneumo.nets.lung_net import build_lung_net
from pneumo.training.lung_samples import outlined_samples, phantom_samples
from pneumo.training.lung_segmenter import LungConfig, outlined_in, train_lungs

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("lungs") / "set"
    copy_set(root, patients=8, seed=2)
    return root


@pytest.fixture(scope="module")
def masks(data):
    mask = np.zeros((224, 224), bool)
    mask[50:150, 50:90] = mask[50:150, 130:170] = True
    files = tuple(record.path for record in scan(data, ("train", "test")))
    return LungMasks(files, np.stack([np.packbits(mask)] * len(files)))


def smaller(monkeypatch, *widths):
    """Use the same network with fewer levels, because preparing its training takes most of the time."""
    monkeypatch.setattr("pneumo.training.lung_segmenter.build_lung_net", partial(build_lung_net, widths=widths))


def test_it_learns_where_the_lungs_of_phantoms_are(data, masks, tmp_path, monkeypatch):
    smaller(monkeypatch, 8, 16, 32)
    config = LungConfig(
        side=48, phantoms=24, phantom_share=1.0, lungless=1, lungless_share=0.0, steps=60, batch=8, learning_rate=8e-3
    )
    train_lungs(config, tmp_path / "lungs", data, masks)
    finder, unseen = LungFinder.load(tmp_path / "lungs"), phantom_samples(6, 99)
    overlaps = [dice(finder.probability(image) > 0.5, mask) for image, mask in zip(unseen.images, unseen.masks, strict=True)]
    assert np.mean(overlaps) > 0.6


def test_the_description_says_what_it_was_made_from(data, masks, tmp_path, monkeypatch):
    smaller(monkeypatch, 4, 8)
    described = train_lungs(LungConfig(side=32, phantoms=3, lungless=1, steps=2, batch=2), tmp_path / "lungs", data, masks)
    assert json.loads((tmp_path / "lungs" / "lungs.json").read_text()) == described
    assert described["training"]["steps"] == 2
    assert described["outlined_images"] == len(outlined_in(data, masks, "train", seed=0))
    assert LungFinder.load(tmp_path / "lungs").sha256 == described["sha256"]


def test_only_the_train_part_is_used_for_training(data, masks):
    records = scan(data)
    parts = split_records(records, seed=0)
    shown = outlined_in(data, masks, "train", seed=0)
    assert set(shown.files) == {file for file in masks.files if parts[file] == "train"}
    assert 0 < len(shown) < len(masks)


def test_missing_images_are_named(data, masks):
    gone = LungMasks(("train/NORMAL/gone.jpeg",), masks.packed[:1])
    with pytest.raises(DataError, match=r"gone\.jpeg"):
        outlined_samples(data, gone)
