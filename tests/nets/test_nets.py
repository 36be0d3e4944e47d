import keras
import numpy as np
import pytest

from pneumo.errors import ConfigError
from pneumo.imaging.preprocess import InputSpec
from pneumo.nets import ARCHITECTURES, architecture
from pneumo.nets.cnn import CnnSettings
from pneumo.nets.cnn_dropout import CnnDropoutSettings
from pneumo.nets.transfer import TransferSettings, build, freeze_backbone, load_backbone

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def resnet50():
    return build("ResNet50", TransferSettings(dense=8), InputSpec(size=64), "none")


def test_unknown_name_is_answered_with_the_list_and_a_guess():
    with pytest.raises(ConfigError, match=r"cnn, cnn-dropout, resnet50, densenet169.*Did you mean resnet50"):
        architecture("resnet5")


def test_cnn_is_built_as_its_settings_say():
    net = ARCHITECTURES["cnn"].build(CnnSettings(), ARCHITECTURES["cnn"].spec)
    convolutions = [layer for layer in net.layers if isinstance(layer, keras.layers.Conv2D)]
    assert net.input_shape == (None, 128, 128, 1)
    assert [layer.filters for layer in convolutions] == [32, 64, 128, 256]
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    assert {layer.activation for layer in convolutions} == {keras.activations.relu}
    after = [type(net.layers[net.layers.index(layer) + 1]) for layer in convolutions]
    assert after == [keras.layers.MaxPooling2D] * 4
    assert (net.layers[-2].units, net.layers[-1].units) == (512, 1)
    assert net.layers[-1].activation is keras.activations.sigmoid


def test_settings_change_the_cnn():
    net = ARCHITECTURES["cnn"].build(CnnSettings(filters=(4, 8), kernel_size=3, activation="elu", dense=5), InputSpec(32))
    convolutions = [layer for layer in net.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [(layer.filters, layer.kernel_size) for layer in convolutions] == [(4, (3, 3)), (8, (3, 3))]
    assert convolutions[0].activation is keras.activations.elu


def test_resnet50_is_flat_and_complete(resnet50):
    assert not [layer for layer in resnet50.layers if isinstance(layer, keras.Model)]
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in resnet50.layers) == 53
    kinds = [type(layer).__name__ for layer in resnet50.layers[-4:]]
    assert kinds == ["GlobalAveragePooling2D", "Dense", "Dropout", "Dense"]


@pytest.mark.parametrize("name", ["cnn", "resnet50"])
def test_exposure_does_not_matter(name, resnet50):
    net = resnet50 if name == "resnet50" else ARCHITECTURES["cnn"].build(CnnSettings((4,), dense=4), InputSpec(64))
    image = np.random.default_rng(0).uniform(0.3, 0.6, (1, 64, 64, 1)).astype(np.float32)
    bright = net.predict(1.6 * image, verbose=0)
    np.testing.assert_allclose(bright, net.predict(image, verbose=0), atol=0.02)


def test_freezing(resnet50):
    freeze_backbone(resnet50, None)
    assert not resnet50.get_layer("conv5_block3_3_conv").trainable
    assert resnet50.get_layer("hidden").trainable
    freeze_backbone(resnet50, "conv4")
    trainable = {layer.name.split("_")[0] for layer in resnet50.layers if layer.trainable and layer.weights}
    assert trainable == {"conv4", "conv5", "hidden", "probability"}
    with pytest.raises(ConfigError, match="conv9"):
        freeze_backbone(resnet50, "conv9")


def test_backbone_weights_say_what_did_not_load(tmp_path, caplog):
    def small(with_second):
        inputs = keras.Input((8, 8, 1))
        x = keras.layers.Conv2D(2, 3, name="first")(inputs)
        return keras.Model(inputs, keras.layers.Conv2D(2, 3, name="second" if with_second else "other")(x))

    saved, fresh = small(with_second=False), small(with_second=True)
    saved.save(tmp_path / "partial.h5")
    with caplog.at_level("INFO"):
        load_backbone(fresh, tmp_path / "partial.h5")
    assert "1 of 2 layers loaded" in caplog.text
    assert "random start: second" in caplog.text
    np.testing.assert_array_equal(fresh.get_layer("first").kernel, saved.get_layer("first").kernel)


def test_missing_backbone_file(tmp_path):
    with pytest.raises(ConfigError, match=r"No backbone weights at .*absent\.h5"):
        build("ResNet50", TransferSettings(), InputSpec(64), str(tmp_path / "absent.h5"))


def test_densenet169_is_flat_and_freezes_by_stage():
    net = build("DenseNet169", TransferSettings(dense=8), InputSpec(size=64), "none")
    assert not [layer for layer in net.layers if isinstance(layer, keras.Model)]
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in net.layers) == 168  # and one dense layer: 169
    freeze_backbone(net, "conv4")
    trainable = {layer.name.split("_")[0] for layer in net.layers if layer.trainable and layer.weights}
    assert trainable == {"conv4", "pool4", "conv5", "bn", "hidden", "probability"}


def test_cnn_dropout_has_its_blocks():
    net = ARCHITECTURES["cnn-dropout"].build(CnnDropoutSettings(filters=(4, 8), dense=(6, 3)), InputSpec(32))
    kinds = [type(layer).__name__ for layer in net.layers[2:]]
    block = ["Conv2D", "Conv2D", "MaxPooling2D", "Dropout"]
    assert kinds == [*block, *block, "Flatten", "Dense", "Dropout", "Dense", "Dropout", "Dense"]
    assert net.output_shape == (None, 1)
