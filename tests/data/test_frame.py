"""How the child is framed: each measure alone, all together by patient, and what could not be measured."""

import dataclasses

import numpy as np
import pytest

from pneumo.data.file_facts import FileFacts
from pneumo.data.frame import MEASURES, TOGETHER, FrameCount, frame_audit, original_size
from pneumo.data.lung_masks import LungPlace
from pneumo.data.records import Record
from pneumo.evaluation.metrics import roc_auc

HEIGHT, ABOVE, BELOW, FILE, SHAPE = (measure.name for measure in MEASURES)


def people(train=120, test=60, seed=0, taller=0.15):
    """(records, places, sizes, sick): in train the sick are `taller`, in test they are not; two images a patient."""
    rng = np.random.default_rng(seed)
    n = train + test
    sick = np.arange(n) // 2 % 2 == 1
    records = [
        Record(f"{i}.png", "PNEUMONIA" if sick[i] else "NORMAL", "none", f"p{i // 2}", "train" if i < train else "test")
        for i in range(n)
    ]
    places = []
    for i in range(n):
        height = rng.normal(0.6, 0.04) + taller * (sick[i] and i < train)
        above = rng.uniform(0.3, 0.7) * (1 - height)
        places.append(LungPlace(height, rng.uniform(0.5, 0.7), above, 1 - height - above))
    sizes = [(int(rng.integers(1000, 1400)), 1000) for _ in range(n)]
    return records, places, sizes, sick


def audited(records, places, sizes, resamples=40):
    audit = frame_audit(records, places, sizes, "the test", resamples=resamples)
    return audit, {hint.name: hint for hint in audit.hints}


def test_each_measure_is_scored_in_its_fixed_direction():
    records, places, sizes, sick = people()
    _, hints = audited(records, places, sizes)
    assert list(hints) == [HEIGHT, ABOVE, BELOW, FILE, SHAPE, TOGETHER]
    columns = {
        HEIGHT: [place.height for place in places],
        ABOVE: [-place.above for place in places],
        BELOW: [-place.below for place in places],
        FILE: [width / height for width, height in sizes],
        SHAPE: [w / h * place.width / place.height for (w, h), place in zip(sizes, places, strict=True)],
    }
    for name, column in columns.items():
        assert hints[name].train.value == pytest.approx(roc_auc(sick[:120], column[:120]))
        assert hints[name].test.value == pytest.approx(roc_auc(sick[120:], column[120:]))  # also below 0.5: not reversed
        assert hints[name].train.low < hints[name].train.value < hints[name].train.high


def test_a_model_of_train_fails_where_all_stand_alike():
    _, hints = audited(*people()[:3])
    assert hints[HEIGHT].train.value > 0.95
    assert hints[TOGETHER].train.value > 0.95
    assert 0.3 < hints[TOGETHER].test.value < 0.7
    assert hints[TOGETHER].note == ""


def test_together_holds_patients_out_whole():
    # No measure knows the class, but both images of a patient are the same.
    records, places, sizes, _ = people(train=40, taller=0.0)
    twins = [places[i // 2 * 2] for i in range(len(places))], [sizes[i // 2 * 2] for i in range(len(sizes))]
    assert audited(records, *twins)[1][TOGETHER].train.value < 0.75


def test_the_true_shape_does_not_depend_on_the_squash():
    # The same chest in a square and in a wide picture: half the share of a file twice as wide.
    records, _, _, _ = people(2, 2)
    places = [LungPlace(0.5, 0.6, 0.25, 0.25), LungPlace(0.5, 0.3, 0.25, 0.25)] * 2
    audit, _ = audited(records, places, [(1000, 1000), (2000, 1000)] * 2)
    shapes = {(s.split, s.label): (s.low, s.high) for s in audit.spreads if s.quantity == SHAPE}
    assert shapes["train", "NORMAL"] == pytest.approx((1.2, 1.2))


def test_medians_by_split_and_class():
    records, places, sizes, sick = people()
    audit, _ = audited(records, places, sizes)
    assert len(audit.spreads) == 4 * 5
    heights = np.array([place.height for place in places])[:120][sick[:120]]
    spread = next(s for s in audit.spreads if (s.split, s.label, s.quantity) == ("train", "PNEUMONIA", HEIGHT))
    assert [spread.low, spread.median, spread.high] == pytest.approx(np.percentile(heights, (5, 50, 95)))


def test_what_cannot_be_measured_is_counted_and_changes_nothing_else():
    records, places, sizes, sick = people()
    _, whole = audited(records, places, sizes)
    blank = [None if i in (0, 2, 3) else place for i, place in enumerate(places)]
    unsized = [None if 120 <= i < 130 else size for i, size in enumerate(sizes)]
    audit, hints = audited(records, blank, unsized)
    assert audit.counts == (
        FrameCount("train", "NORMAL", 60, 1, 0),
        FrameCount("train", "PNEUMONIA", 60, 2, 0),
        FrameCount("test", "NORMAL", 30, 0, 6),
        FrameCount("test", "PNEUMONIA", 30, 0, 4),
    )
    kept = [i for i in range(120) if blank[i]]
    assert hints[HEIGHT].train.value == pytest.approx(roc_auc(sick[kept], [places[i].height for i in kept]))
    assert hints[HEIGHT].test == whole[HEIGHT].test
    aspects = [width / height for width, height in sizes[130:]]
    assert hints[FILE].test.value == pytest.approx(roc_auc(sick[130:], aspects))
    only = audited(records[:120] + records[130:], blank[:120] + places[130:], sizes[:120] + sizes[130:])[1]
    assert hints[TOGETHER].test.value == only[TOGETHER].test.value


def test_unknown_sizes():
    records, places, sizes, _ = people()
    audit, hints = audited(records, places, [None] * len(sizes))
    assert np.isnan(dataclasses.astuple(hints[FILE].train) + dataclasses.astuple(hints[SHAPE].test)).all()
    assert hints[TOGETHER].note == f"without {FILE}, {SHAPE}: not known of any train image"
    assert hints[TOGETHER].train.value > 0.95
    assert {spread.quantity for spread in audit.spreads} == {HEIGHT, ABOVE, BELOW}


def test_the_val_folder_does_not_count():
    records, places, sizes, _ = people()
    odd = dataclasses.replace(records[1], split="val")
    with_val, _ = audited([*records, odd], [*places, LungPlace(1.0, 1.0, 0.0, 0.0)], [*sizes, (9000, 100)])
    assert repr(with_val) == repr(audited(records, places, sizes)[0])


def test_too_few_patients_or_no_lungs_at_all():
    _, few = audited(*people(train=8, test=60)[:3])
    assert np.isnan(few[TOGETHER].train.value)
    assert few[TOGETHER].note == "the train folder has 2 patients of a class; at least 5 are needed"
    assert few[HEIGHT].train.value == 1
    records, places, sizes, _ = people()
    audit, none = audited(records, [None] * len(places), sizes)
    assert np.isnan([value for hint in none.values() for value in (hint.train.value, hint.test.value)]).all()
    assert audit.spreads == ()


def test_the_original_size_is_that_of_the_file_or_for_a_squashed_copy_of_the_table():
    facts = FileFacts("", 7000, 224, 224, 120.0, 50.0, 3.0)
    known = Record("test/NORMAL/IM-0001-0001.jpeg", "NORMAL", "none", "IM-0001", "test")
    assert original_size(known, facts) == (1857, 1317)
    assert original_size(known, dataclasses.replace(facts, width=1800, height=1300)) == (1800, 1300)
    assert original_size(dataclasses.replace(known, path="test/NORMAL/another.jpeg"), facts) is None
