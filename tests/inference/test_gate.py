import dataclasses

import numpy as np
import pytest
from pictures import CHEST, FACTS, make_reference

from pneumo.imaging.radiograph import SYNTHETIC
from pneumo.inference.gate import PASS, REJECT, WARN, age_in_years, check
from pneumo.inference.reference import POSES

USUAL = np.zeros(6, np.float32)
STRANGE = np.full(6, 100.0, np.float32)  # a hundred deviations off on each component


def gate(features=USUAL, image=CHEST, reference=None, **facts):
    return check(dataclasses.replace(FACTS, **facts), image, features, reference or make_reference())


def test_an_ordinary_chest_passes():
    assert gate() == check(FACTS, CHEST, None, None)
    assert gate().outcome == PASS
    assert gate().reasons == ()


@pytest.mark.parametrize(
    ("facts", "outcome", "word"),
    [
        ({"view_position": "PA"}, PASS, ""),
        ({"view_position": "LL"}, REJECT, "lateral view (LL)"),
        ({"view_position": "LLO"}, WARN, "its view is LLO"),
        ({"body_part": "CHEST"}, PASS, ""),
        ({"body_part": "HAND"}, REJECT, "shows HAND"),
        ({"body_part": "RIBS"}, WARN, "shows RIBS"),
        ({"body_part": "OTHER"}, WARN, "not known here"),
        ({"patient_age": "003Y"}, PASS, ""),
        ({"patient_age": "018M"}, PASS, ""),
        ({"patient_age": "003M"}, WARN, "between 1 and 5 years"),
        ({"patient_age": "006Y"}, WARN, "between 1 and 5 years"),
        ({"patient_age": "040Y"}, WARN, "Do not rely on this answer"),
    ],
)
def test_the_header(facts, outcome, word):
    result = gate(**facts)
    assert result.outcome == outcome
    assert word in "".join(result.reasons)


def test_ages():
    assert age_in_years(None) is None
    assert age_in_years("002W") == pytest.approx(14 / 365.25)
    assert age_in_years("010D") == pytest.approx(10 / 365.25)


def test_far_from_train_is_refused_and_near_the_cut_is_warned_of():
    reference = make_reference()
    odds = reference.strangeness(STRANGE, CHEST)
    assert gate(STRANGE).outcome == REJECT
    assert "does not look like a frontal chest X-ray" in gate(STRANGE).reasons[0]
    between = dataclasses.replace(reference, cuts=np.array([odds - 1, odds + 1], np.float32))
    assert gate(STRANGE, reference=between).outcome == WARN
    assert gate(STRANGE, reference=dataclasses.replace(reference, cuts=np.array([odds + 1, odds + 2]))).outcome == PASS


def test_nan_is_rejected():
    assert gate(np.full(6, np.nan, np.float32)).outcome == REJECT


def test_a_turned_image_gets_a_warning_that_names_the_turn():
    reference = make_reference(pose=2)
    (reason,) = gate(reference=reference).reasons
    assert gate(reference=reference).outcome == WARN
    assert POSES[2] in reason
    assert f"it seems {POSES[2]}" in gate(STRANGE, reference=reference).reasons[0]


def test_a_phantom_always_passes():
    assert gate(STRANGE, notes=(SYNTHETIC,)).outcome == PASS


def test_refusals_hide_warnings():
    result = gate(patient_age="040Y", view_position="RL")
    assert result.outcome == REJECT
    assert len(result.reasons) == 1
