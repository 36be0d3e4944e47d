"""The U-Net's shapes, and its ONNX file against Keras itself."""

import keras
import numpy as np
import onnxruntime
import pytest

from pneumo.errors import ModelError
from pneumo.nets.lung_net import SIDE, build_lung_net, write_lung_graph


def test_shapes_and_size():
    model = build_lung_net()
    assert model.input_shape == (None, SIDE, SIDE, 1)
    assert model.output_shape == (None, SIDE, SIDE, 1)
    assert 200_000 < model.count_params() < 1_000_000


def test_the_file_gives_what_keras_gives(tmp_path):
    keras.utils.set_random_seed(0)
    model = build_lung_net(32, (4, 6, 8))
    rng = np.random.default_rng(0)
    model.set_weights(
        [
            rng.uniform(0.3, 1.2, w.shape) * np.sign(rng.normal(size=w.shape)) if w.ndim > 1 else rng.uniform(0.5, 1.5, w.shape)
            for w in model.get_weights()
        ]
    )
    write_lung_graph(model, tmp_path / "lungs.onnx")
    batch = rng.normal(size=(3, 32, 32, 1)).astype(np.float32)
    expected = model.predict(batch, verbose=0)[..., 0]
    session = onnxruntime.InferenceSession(str(tmp_path / "lungs.onnx"))
    (logits,) = session.run(["logit"], {"radiograph": batch})
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    (alone,) = session.run(["logit"], {"radiograph": batch[1:2]})
    np.testing.assert_allclose(alone[0], logits[1], rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_an_unknown_layer_is_named(tmp_path):
    image = keras.layers.Input((8, 8, 1))
    model = keras.Model(image, keras.layers.Softmax(name="odd")(image))
    with pytest.raises(ModelError, match=r"odd \(Softmax\)"):
        write_lung_graph(model, tmp_path / "lungs.onnx")
