import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from scipy.special import expit

from pneumo.errors import ModelError
from pneumo.imaging.preprocess import InputSpec
from pneumo.nets import cnn, cnn_dropout, transfer
from pneumo.nets.compact import round_kernels, save_compact
from pneumo.nets.serving_graph import write_serving_graph
from pneumo.nets.subtype import with_subtype

pytestmark = pytest.mark.slow

NETS = {
    "cnn": lambda: cnn.build(cnn.CnnSettings(filters=(8, 16), dense=32), InputSpec(size=48)),
    "cnn-elu-3x3": lambda: cnn.build(cnn.CnnSettings(filters=(8,), kernel_size=3, activation="elu", dense=8), InputSpec(48)),
    "cnn-dropout": lambda: cnn_dropout.build(cnn_dropout.CnnDropoutSettings((4, 8), dense=(8, 4)), InputSpec(48)),
    "densenet169": lambda: transfer.build("DenseNet169", transfer.TransferSettings(dense=16), InputSpec(size=64), "none"),
    "cnn-subtype": lambda: with_subtype(NETS["cnn"]()),
    "resnet50-subtype": lambda: with_subtype(
        transfer.build("ResNet50", transfer.TransferSettings(dense=16), InputSpec(size=64), "none")
    ),
}


_LARGE = ("densenet169", "resnet50-subtype")


@pytest.fixture(scope="module", params=[pytest.param(name, marks=[pytest.mark.long] * (name in _LARGE)) for name in NETS])
def exported(request, tmp_path_factory):
    """(Keras model as loaded from the compact file, ONNX session, folder)."""
    keras.utils.set_random_seed(1)
    folder = tmp_path_factory.mktemp(request.param)
    net = NETS[request.param]()
    for layer in net.layers:  # as after training: no layer at its start
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(np.full(layer.moving_variance.shape, 2.0))
            layer.moving_mean.assign(np.linspace(-0.3, 0.3, layer.moving_mean.shape[0]))
        if isinstance(layer, keras.layers.Dense):
            layer.bias.assign(np.linspace(-0.2, 0.3, layer.bias.shape[0]))
    round_kernels(net)
    save_compact(net, folder / "model.keras")
    write_serving_graph(folder / "model.keras", folder / "model.onnx")
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    return keras.models.load_model(folder / "model.keras"), session, folder


def images(net, count=4):
    size = net.input_shape[1]
    return np.random.default_rng(0).uniform(0, 1, (count, size, size, 1)).astype(np.float32)


def test_parity_with_keras(exported):
    net, session, _ = exported
    x = images(net)
    outputs = [output.name for output in session.get_outputs()]
    assert outputs == ["logit", "map", "features"] + ["bacterial"] * (len(net.outputs) - 1)
    served = dict(zip(outputs, session.run(outputs, {"radiograph": x}), strict=True))
    expected = net.predict(x, verbose=0)
    for name, column in zip(("logit", "bacterial"), expected if len(net.outputs) == 2 else [expected], strict=False):
        assert served[name].shape == (4,)
        assert np.ptp(served[name]) > 1e-3  # different images, different answers
        assert np.abs(expit(served[name]) - column[:, 0]).max() < 1e-4


def test_map_is_the_gradient_s_grad_cam(exported):
    net, session, _ = exported
    x = images(net, 2)
    head = next(i for i, layer in enumerate(net.layers) if layer.name in ("flatten", "pooled"))
    probability = net.get_layer("probability")
    probability.activation = keras.activations.linear  # Grad-CAM of the logit
    probe = keras.Model(net.input, net.layers[head].input)
    features = tf.Variable(probe(x))
    with tf.GradientTape() as tape:
        y = features
        for layer in net.layers[head:]:
            if layer.name != "bacterial":  # the map is pneumonia's in any case
                y = layer(y)
    gradient = tape.gradient(y, features)
    probability.activation = keras.activations.sigmoid
    expected = tf.reduce_sum(tf.reduce_mean(gradient, axis=[1, 2], keepdims=True) * features, axis=-1).numpy()
    maps, pooled = session.run(["map", "features"], {"radiograph": x})
    np.testing.assert_allclose(pooled, features.numpy().mean(axis=(1, 2)), rtol=1e-3, atol=1e-4)
    assert np.abs(expected).max() > 1e-6
    np.testing.assert_allclose(maps, expected, atol=1e-4 * np.abs(expected).max())


def test_weights_are_kept_once(exported):
    net, _, folder = exported
    assert (folder / "model.onnx").stat().st_size < 250_000  # the graph alone
    kernels = sum(int(np.prod(v.shape)) for v in net.variables if len(v.shape) >= 2)
    vectors = sum(int(np.prod(v.shape)) for v in net.variables if len(v.shape) < 2)
    assert (folder / "model.keras").stat().st_size < 2.4 * kernels + 4 * vectors + 1_500_000  # float32 would take 4


def test_rounding_keeps_vectors_exact():
    net = NETS["cnn"]()
    bias = np.float32(0.1)
    net.get_layer("hidden").bias.assign(np.full(32, bias))
    round_kernels(net)
    assert np.array(net.get_layer("hidden").bias)[0] == bias
    kernel = np.array(net.get_layer("hidden").kernel)
    np.testing.assert_array_equal(kernel, kernel.astype(np.float16).astype(np.float32))


def test_unknown_layer_is_named(tmp_path):
    inputs = keras.Input((32, 32, 1))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.SeparableConv2D(2, 3, name="odd")(inputs))
    net = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    save_compact(net, tmp_path / "model.keras")
    with pytest.raises(ModelError, match="odd"):
        write_serving_graph(tmp_path / "model.keras", tmp_path / "model.onnx")
