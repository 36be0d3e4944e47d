"""Planted duplicates are found, random images give none, and the block size does not matter."""

import numpy as np
import pytest
from PIL import Image

from pneumo.data.duplicates import NEAR, Likeness, Pair, compare, exact_groups, near_pairs, thumbnails
from pneumo.data.records import Record
from pneumo.synthetic.phantom import make_phantom


def picture(seed: int, subtype: str = "none") -> np.ndarray:
    """A phantom as the canonical image is: uint8 (224, 224)."""
    pixels = make_phantom(subtype, seed, 160, 200).pixels
    return np.asarray(Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).resize((224, 224), Image.Resampling.BILINEAR))


def noise(n: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, 1024)).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_exact_groups_by_hash_in_order_of_appearance():
    assert exact_groups(list("abcdef"), ["x", "y", "x", "z", "y", "x"]) == [["a", "c", "f"], ["b", "e"]]
    assert exact_groups(["a", "b"], ["x", "y"]) == []
    with pytest.raises(ValueError, match="shorter"):
        exact_groups(["a", "b"], ["x"])


def test_the_product_of_two_thumbnails_is_their_correlation():
    images = np.stack([picture(0), picture(1)])
    rows = thumbnails(images)
    assert (rows.shape, rows.dtype) == ((2, 1024), np.float32)
    small = [np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR)).ravel() for image in images]
    assert rows[0] @ rows[1] == pytest.approx(np.corrcoef(small)[0, 1], abs=1e-5)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_a_picture_of_one_grey_resembles_nothing():
    rows = thumbnails(np.full((2, 64, 64), 90, np.uint8))
    np.testing.assert_array_equal(rows, 0)
    assert near_pairs(rows, ["a", "b"]) == []
    assert thumbnails(np.empty((0, 64, 64), np.uint8)).shape == (0, 1024)


def test_a_brighter_noisier_jpeg_of_the_same_picture_is_near_and_another_child_is_not():
    original = picture(3)
    rng = np.random.default_rng(0)
    altered = np.clip(original * 0.8 + 20 + rng.normal(0, 6, original.shape), 0, 255).astype(np.uint8)
    names = ["other-1", "original", "other-2", "altered"]
    pairs = near_pairs(thumbnails(np.stack([picture(4), original, picture(5), altered])), names)
    assert [(pair.first, pair.second) for pair in pairs] == [("original", "altered")]
    assert 0.99 < pairs[0].correlation < 1


def test_pairs_come_most_alike_first_each_once():
    rows = noise(40)
    rows[17], rows[31] = rows[2], rows[2]
    mixed = rows[5] * 0.98 + noise(1, 9)[0] * np.sqrt(1 - 0.98**2)
    rows[30] = mixed / np.linalg.norm(mixed)
    names = [f"n{i:02}" for i in range(40)]
    pairs = near_pairs(rows, names)
    assert [(pair.first, pair.second) for pair in pairs] == [("n02", "n17"), ("n02", "n31"), ("n17", "n31"), ("n05", "n30")]
    assert [pair.correlation for pair in pairs] == pytest.approx([1, 1, 1, 0.98], abs=0.005)
    assert all(pair.correlation <= 1 for pair in pairs)
    assert near_pairs(rows, names, threshold=0.995) == pairs[:3]
    assert NEAR == 0.97


@pytest.mark.parametrize("block", [1, 7, 20, 64])
def test_blocks_find_what_one_matrix_finds(block):
    rows = noise(50, seed=1)
    rows[40:] = rows[:10]
    whole = rows @ rows.T
    expected = {(f"{i:02}", f"{j:02}") for i, j in np.argwhere(np.triu(whole, 1) > 0.05)}
    pairs = near_pairs(rows, [f"{i:02}" for i in range(50)], threshold=0.05, block=block)
    assert len(expected) > 20
    assert {(pair.first, pair.second) for pair in pairs} == expected
    assert all(isinstance(pair, Pair) for pair in pairs)


def test_no_block_is_larger_than_asked_for(monkeypatch):
    shapes = []
    argwhere = np.argwhere
    monkeypatch.setattr(np, "argwhere", lambda matches: shapes.append(matches.shape) or argwhere(matches))
    near_pairs(noise(50), [str(i) for i in range(50)], block=16)
    assert max(shapes) == (16, 16)
    assert len(shapes) == 10  # the upper triangle of 4 x 4 blocks


def test_what_two_images_have_in_common():
    records = {
        "a": Record("a", "NORMAL", "none", "IM-0001", "train"),
        "b": Record("b", "PNEUMONIA", "viral", "virus-2", "train"),
        "c": Record("c", "NORMAL", "none", "IM-0001", "test"),
    }
    digest = {"a": "x", "b": "y", "c": "x"}
    assert compare(["a", "b"], 0.98, records, digest) == Likeness(("a", "b"), 0.98, False, False, True, False)
    assert compare(["a", "c"], 1.0, records, digest) == Likeness(("a", "c"), 1.0, True, True, False, True)
    assert compare(["a", "b", "c"], 1.0, records, digest) == Likeness(("a", "b", "c"), 1.0, False, False, False, False)
