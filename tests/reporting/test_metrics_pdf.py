import io
import re

import pytest
from pypdf import PdfReader
from stored_metrics import HISTORY, make_evaluated_registry

from pneumo.errors import DataError
from pneumo.evaluation.classification_report import make_classification_report
from pneumo.reporting import metrics_pdf as module
from pneumo.reporting.evaluated import read_evaluated
from pneumo.reporting.history_charts import learning_curves
from pneumo.reporting.metrics_charts import main_charts, roc_corner
from pneumo.reporting.metrics_pdf import evaluation_pdf
from pneumo.reporting.numbers import interval
from pneumo.reporting.paper import Sheet


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_evaluated_registry(tmp_path_factory.mktemp("models"), "one", bacterial=True)


def pages(evaluated, point="balanced", more=()) -> list[str]:
    """The words of each page."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(evaluation_pdf(evaluated, point, more))).pages]


@pytest.mark.slow
def test_pages(root):
    evaluated = read_evaluated("one", "test", root)
    assert len(pages(evaluated)) == 2 + 4 + 1  # figures, their meaning, seven charts, mistakes
    learning = learning_curves({"a": HISTORY})
    *before, last, mistakes = pages(evaluated, more=learning)
    assert len(before) == 2 + 4
    assert learning[-1].reading in last
    assert "surest of" in mistakes


@pytest.mark.slow
def test_first_page_shows_the_stored_figures(root):
    evaluated = read_evaluated("one", "test", root)
    text = pages(evaluated, "rule-in")[0]
    for name in ("auc", "accuracy", "sensitivity", "specificity"):
        assert interval(evaluated.figures("rule-in")[name]) in text
    assert interval(evaluated.metrics["subtype"]["auc"]) in text
    report = make_classification_report(evaluated.predictions.labels, evaluated.predictions.probabilities, 0.75)
    sick = report.classes[1]
    assert f"PNEUMONIA {sick.precision:.3f} {sick.recall:.3f} {sick.f1:.3f} {sick.support}" in text
    (_, _), (missed, right) = report.matrix.tolist()
    assert f"true PNEUMONIA {missed} ({report.rates[1][0]:.3f}) {right} ({report.rates[1][1]:.3f})" in text
    assert "Not a medical device" in text


@pytest.mark.slow
def test_charts_are_pictures_with_their_reading(root):
    evaluated = read_evaluated("one", "test", root)
    page = PdfReader(io.BytesIO(evaluation_pdf(evaluated, "balanced"))).pages[2]
    assert [each.image.size for each in page.images] == [(1420, 860)] * 2
    first = main_charts(evaluated.predictions, evaluated.points)[0]
    second = roc_corner(first)
    text = " ".join(page.extract_text().split())
    assert text.index(first.reading) < text.index(second.reading)


def test_second_page_shows_both_intervals_verdicts_and_calibration(root):
    evaluated = read_evaluated("one", "test", root)
    chosen = {"with_choice": {rate: {"value": 0.9, "low": 0.812, "high": 0.934} for rate in ("sensitivity", "specificity")}}
    points = evaluated.metrics["operating_points"]
    metrics = {**evaluated.metrics, "operating_points": {**points, "rule-in": {**points["rule-in"], **chosen}}}
    sheet = Sheet("test")
    module._meaning(sheet, evaluated, metrics, evaluated.predictions, 0.2)
    text = " ".join(PdfReader(io.BytesIO(bytes(sheet.output()))).pages[0].extract_text().split())
    assert f"{interval(points['rule-in']['sensitivity'])} [0.812-0.934]" in text
    assert f"{interval(points['balanced']['sensitivity'])} [not stored]" in text
    assert "balanced 0.111 " in text  # 0.5 where two of three are sick, where one of five is
    assert f"intercept {interval(evaluated.metrics['calibration']['intercept'], 2)}" in text
    assert re.search(r"ECE where 67 % are sick 0\.\d{3}", text)
    assert re.search(r"ECE where 20 % are sick 0\.\d{3}", text)
    assert "INDETERMINATE" in text


@pytest.mark.slow
def test_mistakes_are_named(root):
    evaluated = read_evaluated("one", "test", root)
    text = pages(evaluated)[-1]
    called = evaluated.predictions.probabilities >= 0.5
    wrong = [
        name for name, c, label in zip(evaluated.predictions.files, called, evaluated.predictions.labels, strict=True) if c != label
    ]
    assert wrong
    assert all(name in text for name in wrong)


def test_where_nothing_was_missed_it_says_none(root):
    sheet = Sheet("mistakes")
    module._mistakes(sheet, read_evaluated("one", "test", root).predictions, 0.0)
    (page,) = PdfReader(io.BytesIO(bytes(sheet.output()))).pages
    assert "lowest probability first none Healthy" in " ".join(page.extract_text().split())


def test_without_predictions_it_says_what_to_do(root):
    with pytest.raises(DataError, match="run evaluate first"):
        evaluation_pdf(read_evaluated("one", "abroad", root), "balanced")
