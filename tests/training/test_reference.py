"""A reference made from phantoms with a small network: its contents; it separates chests from other pictures."""

import keras
import numpy as np
import pytest
from phantom_sets import copy_set
from tiny_model import make_registry

from pneumo.data.records import scan
from pneumo.data.split import read_manifest, split_records, write_manifest
from pneumo.files import sha256
from pneumo.imaging.preprocess import model_input
from pneumo.inference.predictor import Predictor
from pneumo.inference.reference import POSES
from pneumo.nets.compact import save_compact
from pneumo.nets.serving_graph import write_serving_graph
from pneumo.registry.models import read_card, write_card
from pneumo.synthetic.non_chest import KINDS, as_served, rotated_and_inverted
from pneumo.training.reference import add_reference, images_of

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    copy_set(folder / "set", patients=12)
    root = make_registry(folder / "models")
    records = scan(folder / "set")
    write_manifest(root / "tiny" / "split.csv", records, split_records(records))
    keras.utils.set_random_seed(0)
    shown = keras.Input((32, 32, 1))
    features = keras.layers.Conv2D(12, 5, strides=4, activation="relu")(shown)
    answer = keras.layers.Dense(1, activation="sigmoid", name="probability")(keras.layers.GlobalAveragePooling2D()(features))
    save_compact(keras.Model(shown, answer), root / "tiny" / "model.keras")
    write_serving_graph(root / "tiny" / "model.keras", root / "tiny" / "model.onnx")
    card = read_card("tiny", root)
    card.files.update({name: sha256(root / "tiny" / name) for name in card.files})
    write_card(card, root / "tiny", ("model.keras", "model.onnx", "split.csv"))
    path = add_reference("tiny", folder / "set", root)
    rows = read_manifest(root / "tiny" / "split.csv")
    return Predictor.load("tiny", root), folder / "set", rows, path


def strangeness(predictor, image):
    features = predictor.one_pass(model_input(image, predictor.card.input)[None]).features[0]
    return predictor.reference.strangeness(features, image)


def test_the_reference_holds_the_train_part_and_the_card_names_it(made):
    predictor, _, rows, path = made
    train = [row for row in rows if row["part"] == "train"]
    assert predictor.reference.files.tolist() == [row["path"] for row in train]
    assert predictor.reference.labels.sum() == sum(row["label"] == "PNEUMONIA" for row in train)
    assert predictor.card.files["reference.npz"] == sha256(path)
    assert predictor.reference.scores.shape == (len(train), 12)  # as many components as channels
    assert predictor.reference.scores[:, 0].std() == pytest.approx(1, abs=0.02)


def test_held_out_chests_are_below_the_cut_and_other_pictures_above(made):
    predictor, data, rows, _ = made
    held = images_of(data, [row for row in rows if row["part"] == "calibration"])
    assert max(strangeness(predictor, image) for image in held) <= predictor.reference.cuts[1]
    others = [as_served(picture) for kind in KINDS[:4] for picture in kind.pictures(3, seed=9)]
    assert np.mean([strangeness(predictor, image) > predictor.reference.cuts[1] for image in others]) > 0.8


def test_poses_are_recognised(made):
    predictor, data, rows, _ = made
    held = images_of(data, [row for row in rows if row["part"] in ("validation", "test")])
    posed = [held, *rotated_and_inverted(held)]
    poses = [[predictor.reference.pose(np.ascontiguousarray(image)) for image in copies] for copies in posed]
    assert np.mean([[name == told for name in names] for names, told in zip(poses, POSES, strict=True)]) > 0.9
