from dataclasses import asdict

import pytest
from record.making import ANSWER

from pneumo.record.agreement import agreement_rates
from pneumo.record.case import RecordedCase


def case(file, verdict, agreement, created="2026-03-01T12:00:00.000Z", point="balanced"):
    zone = {"NORMAL": "rule-out", "INDETERMINATE": "indeterminate", "PNEUMONIA": "rule-in"}[verdict]
    known = asdict(ANSWER) | {"file_sha256": file, "zone": zone, "operating_point": point}
    return RecordedCase(**known, id=f"{file}{created}{point}", created=created, salt="", agreement=agreement)


def test_rates_by_verdict_with_wilson():
    cases = [case(f"n{number}", "NORMAL", "agree") for number in range(9)] + [case("n9", "NORMAL", "disagree")]
    cases += [case("p1", "PNEUMONIA", "disagree"), case("p2", "PNEUMONIA", "none"), case("i", "INDETERMINATE", "agree")]
    rates = agreement_rates(cases)
    assert [(name, share.count, share.of) for name, share in rates.items()] == [
        ("all", 10, 12),
        ("NORMAL", 9, 10),
        ("INDETERMINATE", 1, 1),
        ("PNEUMONIA", 0, 1),
    ]
    assert (rates["NORMAL"].low, rates["NORMAL"].high) == pytest.approx((0.5958, 0.9821), abs=1e-4)  # Wilson for 9 of 10
    assert rates["PNEUMONIA"].high == pytest.approx(0.7935, abs=1e-4)


def test_a_file_counts_once_with_its_newest_judgement():
    cases = [
        case("a", "NORMAL", "agree", "2026-03-01T12:00:00.000Z"),
        case("a", "NORMAL", "disagree", "2026-03-02T12:00:00.000Z", "rule-in"),
        case("a", "NORMAL", "none", "2026-03-03T12:00:00.000Z", "rule-out"),
    ]
    assert (agreement_rates(cases)["all"].count, agreement_rates(cases)["all"].of) == (0, 1)
    assert agreement_rates([])["all"].of == 0
