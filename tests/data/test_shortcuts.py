"""The shortcut test finds planted shortcuts only, and says why a result is undefined."""

import dataclasses

import numpy as np
import pytest

from pneumo.data.file_facts import CELLS, FileFacts, Survey
from pneumo.data.records import Record
from pneumo.data.separation import Shortcut
from pneumo.data.shortcuts import GROUPS, measure_shortcuts
from pneumo.evaluation.metrics import roc_auc

pytestmark = pytest.mark.slow

NAMES = ("image size", "file facts", "brightness and sharpness", "border only", "centre hidden", "border hidden", "whole image")
CELLS_OF = {"border only": 460, "centre hidden": 528, "border hidden": 324, "whole image": 784}  # 28^2 - 18^2, - 16^2, ...


def noise_survey(train: int = 120, test: int = 60, seed: int = 0, shots: int = 2) -> tuple[Survey, np.ndarray]:
    """(survey, sick (n,)): pictures and facts are noise that does not depend on the class; `shots` images a patient."""
    rng = np.random.default_rng(seed)
    n = train + test
    sick = np.arange(n) // shots % 2 == 1
    records = tuple(
        Record(f"{i}.png", "PNEUMONIA" if sick[i] else "NORMAL", "none", f"p{i // shots}", "train" if i < train else "test")
        for i in range(n)
    )
    facts = tuple(
        FileFacts(str(i), int(rng.normal(7000, 500)), 224, 224, rng.normal(120, 10), 50.0, rng.normal(3, 0.5)) for i in range(n)
    )
    patient = np.repeat(rng.normal(0, 10, (n // shots, CELLS, CELLS)), shots, axis=0)  # shots of one child are alike
    cells = (120 + patient + rng.normal(0, 3, (n, CELLS, CELLS))).astype(np.float32)
    return Survey(records, facts, np.zeros((n, 1024), np.float32), cells, ()), sick


def by_name(shortcuts: tuple[Shortcut, ...]) -> dict[str, Shortcut]:
    return {shortcut.name: shortcut for shortcut in shortcuts}


def test_each_group_sees_only_its_own_features():
    survey, _ = noise_survey(8, 4)
    assert tuple(group.name for group in GROUPS) == NAMES
    features = {group.name: group.features(survey) for group in GROUPS}
    assert {name: features[name].shape[1] for name in CELLS_OF} == CELLS_OF
    first = survey.facts[0]
    np.testing.assert_array_equal(features["file facts"][0], [224, 224, 1, first.size_bytes])
    np.testing.assert_array_equal(features["brightness and sharpness"][0], [first.brightness, first.sharpness])
    marked = survey.cells.copy()
    marked[:, 5:23, 5:23] = -1
    marked[:, 6:22, 6:22] = -2
    seen = {group.name: set(group.features(dataclasses.replace(survey, cells=marked))[0][:]) for group in GROUPS}
    assert not {-1, -2} & seen["border only"]
    assert -1 in seen["centre hidden"]
    assert -2 not in seen["centre hidden"]
    assert seen["border hidden"] == {-1, -2}


def test_a_border_that_gives_away_the_class_is_found_only_there():
    survey, sick = noise_survey(500, 300, shots=1)
    cells = survey.cells.copy()
    cells[:, :, :3] += np.where(sick, 12, -12)[:, None, None]  # left brighter, right darker: the mean stays
    cells[:, :, -3:] -= np.where(sick, 12, -12)[:, None, None]
    shortcuts = by_name(measure_shortcuts(dataclasses.replace(survey, cells=cells), resamples=30))
    for name in ("border only", "centre hidden", "whole image"):
        for estimate in (shortcuts[name].train, shortcuts[name].test):
            assert estimate.value > 0.97
            assert 0.9 < estimate.low <= estimate.value <= estimate.high <= 1
        assert shortcuts[name].note == ""
    for name in ("file facts", "brightness and sharpness", "border hidden"):
        for estimate in (shortcuts[name].train, shortcuts[name].test):
            assert 0.4 < estimate.value < 0.6
            assert estimate.low < estimate.value < estimate.high


def test_patients_are_held_out_whole():
    # Every patient has a pattern of its own and no class has one: shots of a child on both sides would give nearly 1.
    survey, _ = noise_survey(train=120, test=60, seed=3, shots=6)
    whole = by_name(measure_shortcuts(survey, resamples=30))["whole image"]
    assert whole.train.value < 0.75
    strangers = tuple(dataclasses.replace(record, patient=f"p{i}") for i, record in enumerate(survey.records))
    shortcuts = by_name(measure_shortcuts(dataclasses.replace(survey, records=strangers), resamples=30))
    assert shortcuts["whole image"].train.value > 0.97


def test_the_test_folder_is_scored_by_a_model_of_train():
    # In the test folder the hint points the other way: a model of train alone must be wrong there.
    survey, sick = noise_survey()
    in_test = np.array([record.split == "test" for record in survey.records])
    facts = tuple(
        dataclasses.replace(fact, sharpness=4.0 + 0.1 * i / 180 if hint else 2.0 + 0.1 * i / 180)
        for i, (fact, hint) in enumerate(zip(survey.facts, sick ^ in_test, strict=True))
    )
    shortcut = by_name(measure_shortcuts(dataclasses.replace(survey, facts=facts), resamples=30))["brightness and sharpness"]
    assert shortcut.train.value > 0.99
    assert shortcut.test.value < 0.01


def test_file_size_alone_equals_the_rank_of_the_bytes():
    # One feature: a linear model can only keep its order, so the test AUC is that of the bytes themselves.
    survey, sick = noise_survey()
    facts = tuple(
        dataclasses.replace(fact, size_bytes=fact.size_bytes + 600 * int(ill)) for fact, ill in zip(survey.facts, sick, strict=True)
    )
    shortcut = by_name(measure_shortcuts(dataclasses.replace(survey, facts=facts), resamples=30))["file facts"]
    assert shortcut.test.value == pytest.approx(roc_auc(sick[120:], [fact.size_bytes for fact in facts[120:]]), abs=1e-9)
    assert shortcut.note == "without width, height, aspect: the same in all train images"


def test_a_constant_feature_is_undefined_with_its_reason():
    size = by_name(measure_shortcuts(noise_survey()[0], resamples=50))["image size"]
    assert np.isnan(dataclasses.astuple(size.train) + dataclasses.astuple(size.test)).all()
    assert size.note == "all train images have the same width, height, aspect: nothing to tell them apart by"


def test_the_val_folder_does_not_count():
    survey, _ = noise_survey()
    odd = dataclasses.replace(survey.records[0], split="val"), dataclasses.replace(survey.facts[0], width=2000)
    wider = Survey(
        (*survey.records, odd[0]),
        (*survey.facts, odd[1]),
        np.zeros((181, 1024), np.float32),
        np.concatenate([survey.cells, survey.cells[:1] + 80]),
        (),
    )
    with_val, without = measure_shortcuts(wider, resamples=20), measure_shortcuts(survey, resamples=20)
    assert repr(with_val) == repr(without)  # repr, because NaN != NaN


def test_one_class_in_test_or_too_few_patients_in_train():
    survey, sick = noise_survey()
    well_test = [i for i, record in enumerate(survey.records) if record.split == "train" or not sick[i]]
    for name, one in by_name(measure_shortcuts(_taken(survey, well_test), resamples=20)).items():
        assert np.isnan(one.test.value)
        if name != "image size":
            assert 0 < one.train.low < one.train.value < one.train.high
            assert one.note.endswith("the test folder does not hold both classes")
    few = [i for i in range(180) if i < 16 or i >= 120]  # 4 patients of each class in train
    for one in measure_shortcuts(_taken(survey, few), resamples=20):
        assert np.isnan([one.train.value, one.test.value]).all()
        assert one.note == "the train folder has 4 patients of a class; at least 5 are needed"
    for one in measure_shortcuts(_taken(survey, []), resamples=20):
        assert np.isnan(one.train.value)


def _taken(survey: Survey, index: list[int]) -> Survey:
    rows = np.array(index, int)
    return Survey(
        tuple(survey.records[i] for i in index),
        tuple(survey.facts[i] for i in index),
        survey.thumbnails[rows],
        survey.cells[rows],
        (),
    )
