import dataclasses

import numpy as np
import pytest
from pictures import CHEST, make_reference

from pneumo.errors import ModelError
from pneumo.inference.reference import Reference, components, small_view


def test_components_have_deviation_one_and_rebuild_what_they_span():
    rng = np.random.default_rng(1)
    rows = (rng.standard_normal((500, 3)) * [9, 4, 0.5] @ np.linalg.qr(rng.standard_normal((7, 7)))[0][:3] + 5).astype(np.float32)
    mean, axes, widths, spare = components(rows, 2)
    scores = (rows - mean) @ axes.T / widths
    np.testing.assert_allclose(scores.std(axis=0), 1, atol=0.01)
    np.testing.assert_allclose(widths, [9, 4], rtol=0.1)
    assert spare[0] == pytest.approx(0.5, rel=0.1)


def test_features_constant_in_train_give_no_infinite_score():
    rows = np.random.default_rng(2).standard_normal((60, 4)).astype(np.float32) * np.float32([1, 1, 0, 0])
    mean, axes, widths, spare = components(rows, 4)
    assert np.isfinite((np.ones(4, np.float32) - mean) @ axes.T / widths).all()
    assert spare[0] > 0


def test_the_second_view_ignores_exposure_and_margin():
    darker = (CHEST * 0.5 + 20).astype(np.uint8)
    darker[:16] = 255
    np.testing.assert_allclose(small_view(darker), small_view(CHEST), atol=0.05)
    assert np.abs(small_view(np.full((224, 224), 90, np.uint8))).max() == 0


def test_strangeness_grows_within_and_beside_the_components():
    reference = make_reference()
    odds = [reference.strangeness(np.full(6, size, np.float32), CHEST) for size in (0, 2, 20, 200)]
    assert odds == sorted(odds)
    assert odds[0] == pytest.approx(-6, abs=0.5)
    beside = dataclasses.replace(reference, weights=np.roll(reference.weights[:-1], 1).tolist() + [-6.0])
    beside = dataclasses.replace(beside, weights=np.array(beside.weights, np.float32))
    left = np.linalg.svd(reference.axes)[2][-1] * 50  # at right angles to every component
    assert reference.strangeness(left.astype(np.float32), CHEST) == pytest.approx(odds[0], abs=0.5)
    assert beside.strangeness(left.astype(np.float32), CHEST) > 0


def test_components_of_an_image_of_train_are_its_scores():
    reference = make_reference()
    rebuilt = reference.mean + reference.axes.T @ (reference.scores[7] * reference.widths[: len(reference.axes)])
    np.testing.assert_allclose(reference.components_of(rebuilt.astype(np.float32)), reference.scores[7], atol=1e-2)


def test_saved_and_read_again(tmp_path):
    reference = make_reference()
    reference.save(tmp_path / "reference.npz")
    again = Reference.load(tmp_path / "reference.npz")
    assert again.files.tolist() == reference.files.tolist()
    assert again.labels.tolist() == reference.labels.tolist()
    assert again.scores.dtype == np.float32
    np.testing.assert_allclose(again.scores, reference.scores, atol=2e-3)
    features = np.full(6, 3.0, np.float32)
    assert again.strangeness(features, CHEST) == pytest.approx(reference.strangeness(features, CHEST), abs=1e-3)
    assert again.pose(CHEST) == "upright"


@pytest.mark.parametrize("data", [b"", b"no archive"])
def test_a_file_that_is_no_reference(tmp_path, data):
    (tmp_path / "reference.npz").write_bytes(data)
    with pytest.raises(ModelError, match=r"reference\.npz does not fit"):
        Reference.load(tmp_path / "reference.npz")


def test_objects_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "reference.npz", files=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ModelError):
        Reference.load(tmp_path / "reference.npz")
