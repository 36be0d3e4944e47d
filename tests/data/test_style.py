import numpy as np
import pytest

from pneumo.data import style
from pneumo.data.style import balanced_weights, style_features, styles


def shots(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """30 pictures of 3 set-ups: dark border, bright border, bright corner; noise inside."""
    rng = np.random.default_rng(seed)
    kind = np.arange(30) % 3
    images = rng.integers(90, 110, (30, 224, 224), np.uint8)
    images[kind == 0, :32] = 5
    images[kind == 1, :32] = 220
    images[kind == 2, :24, :40] = 255
    return images, kind


def test_features_by_hand():
    image = np.zeros((1, 224, 224), np.uint8)
    image[0, 0:16, 0:16] = 100
    image[0, 5, 20] = 255  # in the second cell
    features = style_features(image)
    border = 14 * 14 - 10 * 10
    assert features.shape == (1, 2 * border + 7)
    assert features.dtype == np.float32
    assert features[0, 0] == 100
    assert features[0, 1] == pytest.approx(255 / 256)
    assert features[0, border : border + 2].tolist() == [50, 127.5]
    assert np.count_nonzero(features[0, 2:border]) == 0


def test_the_chest_itself_is_not_seen_but_in_the_exposure():
    image = np.full((2, 224, 224), 60, np.uint8)
    image[1, 32:-32, 32:-32] = 200
    first, second = style_features(image)
    assert np.array_equal(first[:-7], second[:-7])
    assert not np.array_equal(first[-7:], second[-7:])


def test_blocks_change_nothing(monkeypatch):
    images, _ = shots()
    whole = style_features(images)
    for size in (1, 7, 30, 64):
        monkeypatch.setattr(style, "_BLOCK", size)
        np.testing.assert_allclose(style_features(images), whole, rtol=1e-6)


def test_styles_find_the_set_ups():
    images, kind = shots()
    found = styles(images, groups=3)
    assert len({(k, f) for k, f in zip(kind, found, strict=True)}) == 3
    assert len(set(found)) == 3
    assert np.array_equal(found, styles(images, groups=3))


def test_fewer_images_than_groups():
    images, _ = shots()
    assert sorted(styles(images[:2], groups=8)) == [0, 1]


def cells(*counts: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(healthy, sick) counts of each style -> labels, style."""
    labels = np.concatenate([np.repeat([0, 1], pair) for pair in counts])
    return labels, np.repeat(np.arange(len(counts)), [sum(pair) for pair in counts])


def test_classes_weigh_the_same_within_each_style_and_styles_keep_their_share():
    labels, style = cells((10, 30), (50, 10), (20, 20))
    weights = balanced_weights(labels, style)
    assert weights.sum() == pytest.approx(1)
    for group, share in ((0, 40 / 140), (1, 60 / 140), (2, 40 / 140)):
        for label in (0, 1):
            assert weights[(style == group) & (labels == label)].sum() == pytest.approx(share / 2)
    assert len(np.unique(weights[(style == 0) & (labels == 0)])) == 1


def test_a_style_of_one_class_keeps_its_share():
    labels, style = cells((10, 10), (0, 20))
    np.testing.assert_allclose(balanced_weights(labels, style), 1 / 40)


@pytest.mark.parametrize("cap", [2.0, 5.0, 10.0])
@pytest.mark.parametrize("counts", [[(1, 199)], [(3, 397), (50, 50)], [(1, 400), (2, 300), (200, 1)]])
def test_cap_holds(cap, counts):
    labels, style = cells(*counts)
    weights = balanced_weights(labels, style, cap)
    assert weights.sum() == pytest.approx(1)
    assert weights.max() * len(labels) == pytest.approx(cap)
    assert weights.min() > 0


def test_cap_touches_only_what_is_above_it():
    labels, style = cells((1, 99), (40, 60))
    weights = balanced_weights(labels, style, cap=10)
    assert weights[0] * 200 == pytest.approx(10)
    for label in (0, 1):
        inside = (style == 1) & (labels == label)
        assert weights[inside].sum() == pytest.approx(weights[style == 1].sum() / 2)


def test_no_cap():
    labels, style = cells((1, 999))
    assert balanced_weights(labels, style, cap=np.inf)[0] == pytest.approx(0.5)
