import numpy as np
import pytest
from phantom_sets import copy_set

from pneumo.data.split import read_manifest
from pneumo.errors import DataError
from pneumo.inference.lung_fields import LungFields
from pneumo.training.config import make_config
from pneumo.training.dataset import Part, epoch_order, read_parts, replicated, with_lungs, with_perturbed_copies

LABELS = np.array([0] * 3 + [1] * 8)
PART = Part(np.zeros((11, 224, 224), np.uint8), LABELS, np.full(11, np.nan, np.float32))


def order(balance):
    return epoch_order(make_config("cnn", {"balance": balance}), PART)(np.random.default_rng(0))


def test_replication_uses_every_image_and_both_classes_equally():
    chosen = replicated(LABELS)(np.random.default_rng(0))
    assert np.bincount(LABELS[chosen]).tolist() == [8, 8]
    times = np.bincount(chosen)
    assert (times[3:] == 1).all()
    assert set(times[:3]) == {2, 3}  # evenly: 3 images give 8
    assert (np.sort(chosen) != chosen).any()


def test_replication_when_most_are_healthy():
    chosen = replicated(1 - LABELS)(np.random.default_rng(0))
    assert np.bincount((1 - LABELS)[chosen]).tolist() == [8, 8]


@pytest.mark.parametrize("balance", ["none", "weights"])
def test_each_image_once_without_replication(balance):
    chosen = order(balance)
    assert sorted(chosen) == list(range(11))
    assert list(chosen) != list(range(11))


def test_balance_classes_keeps_the_number_and_draws_both_classes_equally():
    chosen = np.concatenate(
        [epoch_order(make_config("cnn", {"balance": "classes"}), PART)(np.random.default_rng(s)) for s in range(200)]
    )
    assert len(chosen) == 200 * 11
    assert LABELS[chosen].mean() == pytest.approx(0.5, abs=0.03)


class Finder:
    """Finds the same lungs in every image, and none if the upper left is white."""

    def find(self, image):
        mask = np.zeros((224, 224), bool)
        mask[40:160, 50:180] = True
        return LungFields(mask, 1.0, "No lung field was found." if image[0, 0] == 255 else "")


def test_images_without_lungs_are_left_out_and_the_kept_indices_returned():
    images = np.zeros((11, 224, 224), np.uint8)
    images[[1, 9]] = 255
    part, kept = with_lungs(Part(images, LABELS, np.arange(11, dtype=np.float32)), Finder())
    assert kept.tolist() == [0, 2, 3, 4, 5, 6, 7, 8, 10]
    assert part.labels.tolist() == LABELS[kept].tolist()
    assert part.bacterial.tolist() == kept.tolist()
    assert len(part.boxes) == len(part.images) == 9
    assert part.mask(3).sum() == 120 * 130
    with pytest.raises(DataError, match="both classes"):
        with_lungs(Part(np.full((11, 224, 224), 255, np.uint8), LABELS, np.zeros(11, np.float32)), Finder())


def test_disturbed_copies_follow_the_images_in_the_same_order():
    images = np.random.default_rng(0).integers(0, 255, (2, 224, 224), dtype=np.uint8)
    part = with_perturbed_copies(Part(images, np.array([0, 1]), np.array([np.nan, 1], np.float32)), seed=0)
    np.testing.assert_array_equal(part.images[:2], images)
    assert part.labels.tolist() == [0, 1, 0, 1]
    assert part.bacterial[1::2].tolist() == [1, 1]


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
    assert max(len(names) for names in parts.values()) == 1
    assert {row["part"] for row in rows} == {"train", "validation", "calibration", "test"}


def test_subtype_needs_both_kinds(tmp_path):
    copy_set(tmp_path / "set", patients=6)
    for path in (tmp_path / "set").rglob("*virus*"):
        path.unlink()
    with pytest.raises(DataError, match="without --subtype"):
        read_parts(make_config("cnn", {"subtype": True}), tmp_path / "set", tmp_path)
