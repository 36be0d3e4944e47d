import re
import zlib

import pytest
from stored_metrics import HISTORY, make_evaluated_registry

from pneumo.errors import DataError
from pneumo.evaluation.classification_report import classification_report
from pneumo.reporting import metrics_pdf as module
from pneumo.reporting.evaluated import read_evaluated
from pneumo.reporting.metrics_charts import history_charts
from pneumo.reporting.metrics_pdf import metrics_pdf
from pneumo.reporting.numbers import interval


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_evaluated_registry(tmp_path_factory.mktemp("models"), "one", bacterial=True)


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", b"".join([pdf, *_streams(pdf)])))


def _streams(pdf):
    for found in re.finditer(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL):
        try:
            yield zlib.decompress(found[1])
        except zlib.error:
            continue


def words(figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


@pytest.mark.slow
def test_pages(root):
    found = read_evaluated("one", "test", root)
    pdf = metrics_pdf(found, "balanced")
    assert pdf.startswith(b"%PDF")
    assert pages(pdf) == 2 + 3 + 1  # figures, their meaning, six charts, mistakes
    assert pages(metrics_pdf(found, "balanced", tuple(history_charts(HISTORY)))) == 2 + 5 + 1


def test_first_page_tells_the_stored_figures(root):
    found = read_evaluated("one", "test", root)
    text = words(module._first_page(found, found.metrics, found.predictions, "rule-in", 0.75))
    for name in ("auc", "accuracy", "sensitivity", "specificity"):
        assert interval(found.figures("rule-in")[name]) in text
    assert interval(found.metrics["subtype"]["auc"]) in text
    report = classification_report(found.predictions.labels, found.predictions.probabilities, 0.75)
    assert re.search(rf"PNEUMONIA +{report.classes[1].precision:.3f} +{report.classes[1].recall:.3f}", text)
    assert "Not a medical device" in text


def test_second_page_tells_both_intervals_verdicts_and_calibration(root):
    found = read_evaluated("one", "test", root)
    chosen = {"with_choice": {rate: {"value": 0.9, "low": 0.812, "high": 0.934} for rate in ("sensitivity", "specificity")}}
    points = found.metrics["operating_points"]
    metrics = {**found.metrics, "operating_points": {**points, "rule-in": {**points["rule-in"], **chosen}}}
    text = words(module._meaning_page(found, metrics, found.predictions, 0.2))
    assert f"{interval(points['rule-in']['sensitivity'])} [0.812-0.934]" in text
    assert f"{interval(points['balanced']['sensitivity'])} [not stored]" in text
    assert re.search(r"balanced +0\.111 ", text)  # 0.5 where two of three are sick, where one of five is
    assert f"intercept                     {interval(found.metrics['calibration']['intercept'], 2)}" in text
    assert re.search(r"ECE where 67 % are sick +0\.\d{3}", text)
    assert re.search(r"ECE where 20 % are sick +0\.\d{3}", text)
    assert "INDETERMINATE" in text


def test_mistakes_are_named(root):
    found = read_evaluated("one", "test", root)
    text = words(module._mistakes_page(found.predictions, 0.5))
    called = found.predictions.probabilities >= 0.5
    wrong = [name for name, c, label in zip(found.predictions.files, called, found.predictions.labels, strict=True) if c != label]
    assert wrong
    assert all(name in text for name in wrong)
    assert "none" in words(module._mistakes_page(found.predictions, 0.0))


def test_without_predictions_it_says_what_to_do(root):
    with pytest.raises(DataError, match="run evaluate first"):
        metrics_pdf(read_evaluated("one", "abroad", root), "balanced")
