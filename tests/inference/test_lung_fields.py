"""Lung fields from a graph written by hand, "dark is lung", on pictures whose fields are drawn."""

import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_model import put

from pneumo.errors import ModelError
from pneumo.evaluation.metrics import dice
from pneumo.files import sha256
from pneumo.imaging.preprocess import VERSION
from pneumo.inference.lung_fields import LungFields, LungFinder, implausible, read_description, segmenter_input
from pneumo.registry.seal import seal_folder

SIDE = 56


def graph_bytes(sloped=False):
    """logit = -20 x; `sloped` adds a preference for the image's left, which is wrong for chests."""
    slope = np.linspace(15, -15, SIDE, dtype=np.float32) * sloped
    made = helper.make_graph(
        [
            helper.make_node("Squeeze", ["radiograph", "last"], ["flat"]),
            helper.make_node("Mul", ["flat", "sharp"], ["dark"]),
            helper.make_node("Add", ["dark", "slope"], ["logit"]),
        ],
        "dark",
        [helper.make_tensor_value_info("radiograph", TensorProto.FLOAT, ["n", SIDE, SIDE, 1])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["n", SIDE, SIDE])],
        initializer=[
            numpy_helper.from_array(np.array([-1], np.int64), "last"),
            numpy_helper.from_array(np.array(-20, np.float32), "sharp"),
            numpy_helper.from_array(slope, "slope"),
        ],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def write_segmenter(folder, sloped=False):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lungs.onnx").write_bytes(graph_bytes(sloped))
    described = {"sha256": sha256(folder / "lungs.onnx"), "preprocessing": VERSION}
    put(folder / "lungs.json", json.dumps(described))
    return folder


def box(top, bottom, left, right):
    mask = np.zeros((224, 224), bool)
    mask[top:bottom, left:right] = True
    return mask


RIGHT, LEFT = box(48, 160, 32, 88), box(48, 168, 136, 192)


def picture(*fields, dark=40, bright=180):
    image = np.full((224, 224), bright, np.uint8)
    for field in fields:
        image[field] = dark
    return image


@pytest.fixture(scope="module")
def finder(tmp_path_factory):
    return LungFinder.load(write_segmenter(tmp_path_factory.mktemp("segmenter")))


@pytest.mark.parametrize("exposure", [{}, {"dark": 10, "bright": 60}, {"dark": 170, "bright": 250}])
def test_both_fields_are_found_at_any_exposure(finder, exposure):
    fields = finder.find(picture(RIGHT, LEFT, **exposure))
    assert isinstance(fields, LungFields)
    assert (fields.mask.shape, fields.mask.dtype) == ((224, 224), bool)
    assert dice(fields.mask, RIGHT | LEFT) > 0.97
    assert fields.quality > 0.95
    assert fields.plausible
    assert fields.reason == ""


def test_a_speck_is_dropped_and_a_hole_is_filled(finder):
    image = picture(RIGHT, LEFT, box(200, 216, 100, 116))
    image[100:112, 52:64] = 180
    fields = finder.find(image)
    assert dice(fields.mask, RIGHT | LEFT) > 0.97
    assert not fields.mask[180:].any()
    assert fields.plausible


def test_neither_side_is_favoured(tmp_path):
    sloped = LungFinder.load(write_segmenter(tmp_path / "sloped", sloped=True))
    image = picture(RIGHT, LEFT)
    np.testing.assert_allclose(sloped.probability(image), sloped.probability(image[:, ::-1])[:, ::-1], atol=1e-5)


def test_fields_that_run_into_one_are_refused(finder):
    fields = finder.find(picture(RIGHT, LEFT, box(60, 140, 80, 140)))
    assert not fields.plausible
    assert fields.reason == "Only one lung field was found; expected two."


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_an_empty_picture_has_no_lungs(finder, grey):
    fields = finder.find(np.full((224, 224), grey, np.uint8))
    assert not fields.mask.any()
    assert fields.quality == 0.0
    assert fields.reason == "No lung field was found."


@pytest.mark.parametrize(
    ("fields", "quality", "said"),
    [
        ([RIGHT, LEFT], 1.0, ""),
        ([RIGHT, LEFT], 0.5, "too uncertain"),
        ([RIGHT], 1.0, "Only one lung field"),
        ([], 0.0, "No lung field"),
        ([RIGHT, box(60, 70, 140, 150)], 1.0, "which lungs do not"),
        ([box(0, 224, 0, 100), box(0, 224, 124, 224)], 1.0, "which lungs do not"),
        ([box(20, 180, 20, 100), box(40, 170, 150, 170)], 1.0, "4.9 times as large"),
        ([box(20, 180, 20, 80), box(20, 120, 140, 200)], 1.0, "62% as tall"),
        ([box(10, 100, 20, 90), box(120, 210, 20, 90)], 1.0, "the same side"),
    ],
)
def test_what_cannot_be_a_childs_lungs(fields, quality, said):
    reason = implausible(fields, quality)
    assert said in reason
    assert bool(reason) == bool(said)


@pytest.mark.parametrize(
    "image", [np.zeros((224, 224), np.float32), np.zeros((64, 64), np.uint8), np.zeros((224, 224, 3), np.uint8)]
)
def test_only_canonical_images_are_taken(finder, image):
    with pytest.raises(ValueError, match="canonical"):
        finder.find(image)


def test_the_input_has_mean_0_and_deviation_1_and_flat_pictures_divide_by_nothing():
    given = segmenter_input(picture(RIGHT, LEFT), SIDE)
    assert (given.shape, given.dtype) == ((SIDE, SIDE), np.float32)
    assert abs(given.mean()) < 1e-4
    assert given.std() == pytest.approx(1, abs=1e-4)
    assert not segmenter_input(np.full((224, 224), 90, np.uint8), SIDE).any()


def altered(folder):
    (folder / "lungs.onnx").write_bytes(graph_bytes(sloped=True))


def no_graph(folder):
    (folder / "lungs.onnx").write_bytes(b"nothing")
    put(folder / "lungs.json", json.dumps({"sha256": sha256(folder / "lungs.onnx"), "preprocessing": VERSION}))


def other_preprocessing(folder):
    described = read_description(folder)
    put(folder / "lungs.json", json.dumps({**described, "preprocessing": "other"}))


def other_graph(folder):
    """Resealed, but not the graph described in lungs.json."""
    put(folder / "lungs.onnx", graph_bytes(sloped=True))


def without_description(folder):
    (folder / "lungs.json").unlink()
    seal_folder(folder)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (altered, "altered"),
        (no_graph, "no graph this version can run"),
        (other_preprocessing, "another preprocessing"),
        (lambda folder: (folder / "lungs.onnx").unlink(), "incomplete"),
        (other_graph, r"lungs\.onnx was altered"),
        (without_description, r"lungs\.json is missing"),
        (lambda folder: (folder / "lungs.json").unlink(), r"lungs\.json is missing"),
        (lambda folder: (folder / "MANIFEST").unlink(), "MANIFEST is missing.*models sign lungs"),
        (lambda folder: (folder / "lungs.json").write_text("{"), r"lungs\.json was altered"),
        (lambda folder: put(folder / "lungs.json", "{"), "damaged"),
        (lambda folder: put(folder / "lungs.json", "[]"), "damaged"),
        (lambda folder: put(folder / "lungs.json", '{"dice": NaN}'), "dice is nan, expected a finite number"),
        (lambda folder: (folder / "notes.txt").write_text("x"), r"does not list notes\.txt"),
        (lambda folder: shutil.rmtree(folder), "No lung segmenter"),
    ],
)
def test_a_segmenter_that_does_not_verify_finds_nothing(tmp_path, harm, said):
    folder = write_segmenter(tmp_path / "lungs")
    LungFinder.load(folder)
    harm(folder)
    with pytest.raises(ModelError, match=said):
        LungFinder.load(folder)


def test_by_default_the_segmenter_of_the_registry_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(tmp_path))
    write_segmenter(tmp_path / "lungs")
    assert LungFinder.load().side == SIDE


def test_the_hand_written_graph_is_valid():
    onnx.checker.check_model(onnx.load_from_string(graph_bytes()))
