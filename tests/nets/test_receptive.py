import keras
import numpy as np
import pytest
from keras import layers

from pneumo.imaging.preprocess import InputSpec
from pneumo.nets import cnn, transfer
from pneumo.nets.receptive import cell_centres


def small(*hidden):
    inputs = keras.Input((32, 32, 1))
    x = inputs
    for layer in hidden:
        x = layer(x)
    return keras.Model(inputs, layers.Dense(1)(layers.Flatten()(x)))


@pytest.mark.parametrize(
    "hidden",
    [
        lambda: [layers.Conv2D(1, 2), layers.AveragePooling2D(2)],
        lambda: [layers.Conv2D(1, 3, padding="same"), layers.AveragePooling2D(2), layers.Conv2D(1, 2)],
        lambda: [layers.ZeroPadding2D(3), layers.Conv2D(1, 7, strides=2), layers.Conv2D(1, 1, strides=2)],
        lambda: [layers.Conv2D(1, 3, strides=2, padding="same")],
    ],
)
def test_centres_are_where_the_weight_lies(hidden):
    """With all kernels equal to one, each cell's receptive field is symmetric about its centre."""
    net = small(*hidden())
    for layer in net.layers:
        if isinstance(layer, layers.Conv2D):
            layer.set_weights([np.ones_like(layer.kernel), np.zeros_like(layer.bias)])
    probe = keras.Model(net.input, net.layers[-2].input)
    cells = probe.output_shape[1]
    middle = cells // 2
    # The network is linear: its answers to single lit pixels are the weights of one cell.
    lit = np.eye(32 * 32, dtype=np.float32).reshape(-1, 32, 32, 1)
    weight = probe.predict(lit, batch_size=256, verbose=0)[:, middle, middle, 0].reshape(32, 32).sum(axis=1)
    centroid = ((np.arange(32) + 0.5) * weight).sum() / weight.sum() / 32
    first, last = cell_centres(net)
    assert first + (last - first) * middle / (cells - 1) == pytest.approx(centroid, abs=1e-6)


def test_shipped_architectures():
    assert cell_centres(cnn.build(cnn.CnnSettings((32, 64, 128), kernel_size=2, dense=1), InputSpec(96))) == pytest.approx(
        (7.5 / 96, 87.5 / 96)
    )
    net = transfer.build("ResNet50", transfer.TransferSettings(dense=1), InputSpec(192), "none")
    assert cell_centres(net) == pytest.approx((0.5 / 192, 160.5 / 192))
