import keras
import numpy as np
import pytest

from pneumo.imaging.preprocess import InputSpec
from pneumo.nets import cnn
from pneumo.nets.subtype import with_subtype


@pytest.fixture
def net():
    keras.utils.set_random_seed(1)
    return cnn.build(cnn.CnnSettings(filters=(4,), dense=8), InputSpec(32))


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 1, (3, 32, 32, 1)).astype(np.float32)


def test_probability_stays_and_bacterial_reads_the_same_features(net, images):
    two = with_subtype(net)
    probability, bacterial = two.predict(images, verbose=0)
    np.testing.assert_array_equal(probability, net.predict(images, verbose=0))
    hidden = keras.Model(net.input, net.get_layer("hidden").output).predict(images, verbose=0)
    kernel, bias = two.get_layer("bacterial").get_weights()
    np.testing.assert_allclose(bacterial, 1 / (1 + np.exp(-(hidden @ kernel + bias))), atol=1e-6)
    assert probability.shape == bacterial.shape == (3, 1)


def test_outputs_keep_names_and_order_through_a_file(net, images, tmp_path):
    two = with_subtype(net)
    two.save(tmp_path / "two.keras")
    back = keras.models.load_model(tmp_path / "two.keras")
    assert back.output_names == ["probability", "bacterial"]
    assert back.name == net.name
    for first, second in zip(two.predict(images, verbose=0), back.predict(images, verbose=0), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_second_subtype_output_is_refused(net):
    with pytest.raises(ValueError, match="one output"):
        with_subtype(with_subtype(net))
