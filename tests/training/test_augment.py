import keras
import numpy as np
import pytest

from pneumo.training.augment import RandomExposure, RandomMarkers, RandomView, augmentation

IMAGES = np.random.default_rng(0).uniform(0, 1, (6, 48, 48, 1)).astype(np.float32)


@pytest.mark.parametrize("kind", [RandomView, RandomExposure, RandomMarkers])
def test_each_layer(kind):
    layer = kind(1.0, seed=5)
    np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES)
    changed = np.array(layer(IMAGES, training=True))
    assert changed.shape == IMAGES.shape
    assert changed.min() >= 0
    assert changed.max() <= 1.0001
    differs = np.abs(changed - IMAGES).max(axis=(1, 2, 3)) > 0.01
    assert differs.sum() >= 3  # markers: three chances in each image, half of them taken
    np.testing.assert_array_equal(np.array(kind(1.0, seed=5)(IMAGES, training=True)), changed)
    assert (np.array(kind(1.0, seed=6)(IMAGES, training=True)) != changed).any()


def test_view_keeps_a_centred_disc_near_the_centre():
    y, x = np.mgrid[:64, :64] - 31.5
    disc = np.repeat(((x**2 + y**2) < 100).astype(np.float32)[None, ..., None], 200, axis=0)
    moved = np.array(RandomView(1.0, seed=0)(disc, training=True))[..., 0]
    mass = moved.sum(axis=(1, 2))
    shift = np.abs((moved * x).sum(axis=(1, 2)) / mass) / 64
    assert shift.max() < 0.08 * 1.3
    area = mass / disc[0].sum()
    assert 0.6 < area.min() < area.max() < 1.9
    assert area.mean() > 1.0  # zooms in more than out


def test_exposure_leaves_the_geometry():
    edge = np.zeros((8, 32, 32, 1), np.float32)
    edge[:, :, 16:] = 0.8
    changed = np.array(RandomExposure(1.0, seed=1)(edge, training=True))
    assert (changed[:, :, 20:].mean(axis=(1, 2, 3)) > changed[:, :, :12].mean(axis=(1, 2, 3)) + 0.2).all()


def test_strength_zero_gives_no_layer_and_layers_survive_saving(tmp_path):
    assert augmentation(0, seed=1) == []
    model = keras.Sequential([keras.Input((48, 48, 1)), *augmentation(0.5, seed=1)])
    model.save(tmp_path / "augment.keras")
    loaded = keras.models.load_model(tmp_path / "augment.keras")
    assert [layer.strength for layer in loaded.layers] == [0.5, 0.5, 0.5]
