import csv
import doctest
import io
import json

import numpy as np
import pytest

from pneumo import labels
from pneumo.labels import Label, Status, Subtype, Verdict, Zone, identify


def test_members_are_written_as_their_words():
    assert json.dumps({Zone.RULE_IN: Status.OK}) == '{"rule-in": "ok"}'
    assert f"{Label.PNEUMONIA} {Verdict.INDETERMINATE}" == "PNEUMONIA INDETERMINATE"
    stream = io.StringIO()
    csv.writer(stream).writerow([Subtype.VIRAL])
    assert stream.getvalue().strip() == "viral"
    assert (np.array(["viral", "none"]) == Subtype.VIRAL).tolist() == [True, False]


@pytest.mark.parametrize(
    ("zone", "verdict"), [("rule-out", "NORMAL"), ("indeterminate", "INDETERMINATE"), ("rule-in", "PNEUMONIA")]
)
def test_a_zone_has_its_verdict(zone, verdict):
    assert Zone(zone).verdict == verdict


def test_every_status_in_words():
    assert [status.in_words for status in Status] == ["answered", "not answered", "not read"]


@pytest.mark.parametrize(
    ("stem", "subtype", "patient"),
    [
        ("person12_virus_30", "viral", "virus-12"),
        ("person1_bacteria_2", "bacterial", "bacteria-1"),
        ("person1_virus_2", "viral", "virus-1"),
        ("person1372_virus_2365_0001", "viral", "virus-1372"),
        ("Person007_BACTERIA_1", "bacterial", "bacteria-7"),
        ("IM-0115-0001", "none", "IM-0115"),
        ("IM-0115-0001-0001", "none", "IM-0115"),
        ("IM-0115-0001-0002", "none", "IM-0115"),
        ("NORMAL2-IM-0123-0001", "none", "NORMAL2-IM-0123"),
        ("NORMAL2-IM-0123-0001-0003", "none", "NORMAL2-IM-0123"),
        ("person12_fungus_30", "none", "person12_fungus_30"),
        ("person12_virus", "none", "person12_virus"),
        ("xperson12_virus_30", "none", "xperson12_virus_30"),
        ("IM-0115", "none", "IM-0115"),
        ("scan 7", "none", "scan 7"),
        ("小儿 胸片", "none", "小儿 胸片"),
    ],
)
def test_identify(stem, subtype, patient):
    assert identify(stem) == (subtype, patient)


def test_examples_in_the_docstrings():
    results = doctest.testmod(labels)
    assert results.attempted > 0
    assert results.failed == 0
