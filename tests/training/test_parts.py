import numpy as np
import pytest
from phantom_sets import copy_set

from pneumo.data.split import read_manifest
from pneumo.errors import DataError
from pneumo.training.config import make_config
from pneumo.training.parts import Part, class_weights, epoch_order, read_parts, replicated

LABELS = np.array([0] * 3 + [1] * 8)
PART = Part(np.zeros((11, 224, 224), np.uint8), LABELS, np.full(11, np.nan, np.float32))


def order(balance):
    return epoch_order(make_config("cnn", {"balance": balance}), PART)(np.random.default_rng(0))


def test_replicated_shows_every_image_and_both_classes_alike():
    chosen = replicated(LABELS)(np.random.default_rng(0))
    assert np.bincount(LABELS[chosen]).tolist() == [8, 8]
    times = np.bincount(chosen)
    assert (times[3:] == 1).all()
    assert set(times[:3]) == {2, 3}  # evenly: 8 pictures out of 3
    assert (np.sort(chosen) != chosen).any()


def test_replicated_when_the_healthy_are_more():
    chosen = replicated(1 - LABELS)(np.random.default_rng(0))
    assert np.bincount((1 - LABELS)[chosen]).tolist() == [8, 8]


@pytest.mark.parametrize("balance", ["none", "weights"])
def test_each_image_once_without_replication(balance):
    chosen = order(balance)
    assert sorted(chosen) == list(range(11))
    assert list(chosen) != list(range(11))


def test_style_draws_as_many_as_there_are():
    assert len(order("style")) == 11


def test_class_weights_let_both_classes_count_alike():
    weights = class_weights(LABELS)
    assert weights.mean() == pytest.approx(1)
    assert weights[LABELS == 0].sum() == pytest.approx(weights[LABELS == 1].sum())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("phantoms") / "set"
    copy_set(root, patients=8, seed=2)
    return root


def test_parts_carry_the_kind_of_pneumonia_and_the_split_is_kept(data, tmp_path):
    config = make_config("cnn", {"subtype": True})
    train, validation = read_parts(config, data, tmp_path)
    assert np.isnan(train.bacterial[train.labels == 0]).all()
    assert set(train.bacterial[train.labels == 1]) == {0.0, 1.0}
    assert len(train.labels) == len(train.images) > len(validation.labels)
    before = (tmp_path / "split.csv").read_bytes()
    read_parts(config, data, tmp_path)
    assert (tmp_path / "split.csv").read_bytes() == before
    assert not list(tmp_path.glob("*.draft"))


def test_split_is_patient_disjoint(data, tmp_path):
    read_parts(make_config("cnn", {}), data, tmp_path)
    rows, parts = read_manifest(tmp_path / "split.csv"), {}
    for row in rows:
        parts.setdefault(row["patient"], set()).add(row["part"])
    assert max(len(found) for found in parts.values()) == 1
    assert {row["part"] for row in rows} == {"train", "validation", "calibration", "test"}


def test_subtype_needs_both_kinds(tmp_path):
    copy_set(tmp_path / "set", patients=6)
    for path in (tmp_path / "set").rglob("*virus*"):
        path.unlink()
    with pytest.raises(DataError, match="without --subtype"):
        read_parts(make_config("cnn", {"subtype": True}), tmp_path / "set", tmp_path)
