from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from site_weeks import A_WEEK, START, case, weeks

from pneumo.imaging.measures import Measures
from pneumo.record.case import Refused, timestamp
from pneumo.site.watch import LEAST, NO_LUNGS, REFUSED, watch_model

MODEL = ("tiny", "cd" * 32)


def alarms(cases, refusals=()):
    return {alarm.key: alarm for alarm in watch_model(cases, refusals, *MODEL).alarms}


def test_a_frame_cropped_by_12_percent_is_found_within_50_cases():
    for seed in range(5):
        begun = 6 * A_WEEK
        by_measure = alarms(weeks(400, seed, crop_from=begun))
        first = min(by_measure.values(), key=lambda alarm: alarm.seen)
        place = START + timedelta(weeks=6)
        assert {"lung_height", "above"} & set(by_measure)
        assert first.seen < START + timedelta(weeks=7, hours=10)  # 50 cases: one week, and ten of the next
        assert abs(first.since - place) < timedelta(days=8)


def test_twenty_undisturbed_runs_of_500_give_no_alarm():
    assert [key for seed in range(100, 120) for key in alarms(weeks(500, seed))] == []


def test_an_alarm_says_what_since_when_and_what_to_do():
    alarm = alarms(weeks(400, 0, crop_from=240))["lung_height"]
    assert alarm.after > alarm.before
    assert "height of the lungs" in alarm.sentence
    assert f"{alarm.since:%Y-%m-%d}" in alarm.sentence
    assert "collimation" in alarm.sentence
    assert "Roberts 1959" in alarm.why


def refusal(number, hours, session="s", status="rejected"):
    return Refused(session, f"{number:064x}", *MODEL, status, timestamp(START + timedelta(hours=hours)))


def test_refusals_that_become_frequent_are_an_alarm_and_unread_files_are_not():
    cases = [case(number, 0.2) for number in range(300)]
    late = [refusal(1000 + number, 7 * 168 + number) for number in range(40)]
    assert set(alarms(cases, late)) == {REFUSED}
    assert alarms(cases, [replace(each, status="error") for each in late]) == {}


def test_lungs_that_are_not_found_any_more_are_an_alarm():
    lungs, none = (
        Measures(0.8, 0.1, 0.1, 1.2, 120.0, 50.0, 3.0),
        Measures(aspect=1.2, brightness=120.0, contrast=50.0, sharpness=3.0),
    )
    assert set(alarms([case(number, 0.2, lungs if number < 200 or number % 2 else none) for number in range(320)])) == {NO_LUNGS}


def test_weeks_count_everything_once_and_a_week_without_cases_is_listed():
    cases = [*[case(number, 0.9) for number in range(3)], case(2 * A_WEEK, 0.1)]
    cases += [replace(cases[0], id="again", session="t", created=cases[3].created)]  # the same file in another session
    cases += [replace(cases[1], file_sha256="other", model_sha256="another model's")]
    cases[1] = replace(cases[1], agreement="agree", gate="warn")
    told = watch_model(cases, [refusal(77, 1), refusal(77, 2, "t"), refusal(0, 3), refusal(78, 4, status="error")], *MODEL)
    assert [(week.monday, week.answers, week.refused, week.unread, week.warned) for week in told.weeks] == [
        (date(2026, 1, 5), 3, 1, 1, 1),
        (date(2026, 1, 12), 0, 0, 0, 0),
        (date(2026, 1, 19), 1, 0, 0, 0),
    ]
    assert told.weeks[0].verdicts == {"NORMAL": 0, "INDETERMINATE": 0, "PNEUMONIA": 3}
    assert (told.weeks[0].agreed.count, told.weeks[1].agreed.of) == (1, 0)
    assert told.cases == 4


@pytest.mark.parametrize("count", [0, 1, LEAST])
def test_too_few_cases_have_no_chart_and_say_so(count):
    told = watch_model([case(number, 0.2) for number in range(count)], [], *MODEL)
    assert (told.charts, told.alarms) == ((), ())
    assert f"{count} cases are recorded" in told.note


def test_cases_of_an_older_record_without_measures_are_watched_by_score_alone():
    told = watch_model([case(number, 0.2) for number in range(200)], [], *MODEL)
    assert told.note == ""
    assert set(told.charts) == {"score (log odds of pneumonia)", "share refused by the gate", "share answered with a warning"}


def test_sensitivity_and_specificity_where_a_reference_came_later():
    cases = [case(number, probability) for number, probability in enumerate([0.9, 0.1, 0.1, 0.1, 0.9])]
    said = ["PNEUMONIA", "PNEUMONIA", "NORMAL", "NORMAL", "NORMAL"]
    told = watch_model([replace(each, reference=label) for each, label in zip(cases, said, strict=True)], [], *MODEL)
    assert (told.sensitivity.count, told.sensitivity.of) == (1, 2)
    assert (told.specificity.count, told.specificity.of) == (2, 3)
    assert told.not_missed.count == 1
    assert watch_model(cases, [], *MODEL).sensitivity.of == 0
    assert datetime.fromisoformat(cases[0].created) == START
