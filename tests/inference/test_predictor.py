import dataclasses
import threading

import numpy as np
import pytest
from scipy.special import expit
from tiny_model import make_registry

from pneumo.errors import ModelError
from pneumo.inference.predictor import Predictor
from pneumo.registry.models import read_card


@pytest.fixture
def predictor(tmp_path):
    return Predictor.load("tiny", make_registry(tmp_path))


def test_logit_probability_and_map(predictor):
    image = np.full((224, 224), 204, np.uint8)  # 0.8
    image[:, 112:] = 51  # 0.2: the halves cancel
    answer = predictor.answer(image)
    assert answer.logit == pytest.approx(0.0, abs=1e-4)
    assert answer.log_ratio == pytest.approx(0.0, abs=4e-4)
    np.testing.assert_allclose(answer.heatmap.heat[:, :1], 0.6, atol=1e-3)  # (0.8 - 0.5) / 0.5
    assert answer.heatmap.heat[:, 3].max() == 0


def test_temperature_is_applied(predictor):
    answer = predictor.answer(np.full((224, 224), 255, np.uint8))
    assert answer.logit == pytest.approx(10.0, abs=1e-4)
    assert answer.log_ratio == pytest.approx(10.0 / 2.0, abs=1e-4)


def test_without_a_second_output_the_kind_is_not_told(predictor):
    assert predictor.answer(np.zeros((224, 224), np.uint8)).bacterial is None


def test_second_output_is_calibrated_on_its_own(tmp_path):
    answer = Predictor.load("tiny", make_registry(tmp_path, subtype=True)).answer(np.full((224, 224), 204, np.uint8))
    assert answer.bacterial == pytest.approx(expit(0.8 / 4.0), abs=1e-6)
    assert answer.logit == pytest.approx(6.0, abs=1e-4)


def test_an_uncalibrated_second_output_is_not_told(tmp_path):
    root = make_registry(tmp_path, subtype=True)
    card = dataclasses.replace(read_card("tiny", root), subtype_calibration=None)
    predictor = Predictor(card, root / "tiny" / "model.onnx")
    assert predictor.run(np.zeros((1, 32, 32, 1), np.float32)).bacterial.shape == (1,)
    assert predictor.answer(np.zeros((224, 224), np.uint8)).bacterial is None


@pytest.mark.parametrize("output", ["logits", "bacterial"])
def test_nan_is_no_answer(tmp_path, monkeypatch, output):
    predictor = Predictor.load("tiny", make_registry(tmp_path, subtype=True))
    outputs = predictor.run(np.zeros((1, 32, 32, 1), np.float32))
    broken = dataclasses.replace(outputs, **{output: np.array([np.nan], np.float32)})
    monkeypatch.setattr(predictor, "run", lambda batch: broken)
    with pytest.raises(ModelError, match="gave no number"):
        predictor.answer(np.zeros((224, 224), np.uint8))


def test_threads_share_one_predictor(predictor):
    greys, answers = range(0, 250, 10), {}

    def ask(grey):
        answers[grey] = predictor.answer(np.full((224, 224), grey, np.uint8)).logit

    threads = [threading.Thread(target=ask, args=(grey,)) for grey in greys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[grey] for grey in greys] == pytest.approx([20 * (grey / 255 - 0.5) for grey in greys], abs=1e-4)


def test_altered_weights_give_no_answer(tmp_path):
    root = make_registry(tmp_path)
    (root / "tiny" / "model.keras").write_bytes(b"other weights")
    with pytest.raises(ModelError, match="was altered"):
        Predictor.load("tiny", root)


def test_a_file_that_is_no_graph(tmp_path):
    root = make_registry(tmp_path)
    (root / "tiny" / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(ModelError, match="does not load"):
        Predictor(read_card("tiny", root), root / "tiny" / "model.onnx")


def test_a_mirrored_model_gives_the_mean_of_both_sides(tmp_path):
    root = make_registry(tmp_path)
    plain = Predictor.load("tiny", root)
    both = Predictor(dataclasses.replace(read_card("tiny", root), mirrored=True), root / "tiny" / "model.onnx")
    seen = []

    def lopsided(batch):  # a network that looks at the left half alone
        seen.append(batch)
        return dataclasses.replace(plain.one_pass(batch), logits=batch[:, :, :16].mean(axis=(1, 2, 3)))

    both.one_pass = lopsided
    batch = np.zeros((2, 32, 32, 1), np.float32)
    batch[0, :, :16] = 1.0
    out = both.run(batch)
    np.testing.assert_allclose(out.logits, [0.5, 0.0])
    np.testing.assert_array_equal(out.maps, plain.run(batch).maps)
    np.testing.assert_array_equal(seen[1][0, :, 16:], 1.0)
