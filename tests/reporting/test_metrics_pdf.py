import re
import zlib

import pytest
from stored_metrics import HISTORY, make_evaluated_registry

from pneumo.errors import DataError
from pneumo.evaluation.classification_report import classification_report
from pneumo.reporting import metrics_pdf as module
from pneumo.reporting.evaluated import read_evaluated
from pneumo.reporting.history_charts import history_charts
from pneumo.reporting.metrics_pdf import metrics_pdf
from pneumo.reporting.model_card import interval


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
    assert pages(pdf) == 1 + 3 + 1  # figures, six charts, mistakes
    assert pages(metrics_pdf(found, "balanced", history_charts({"a": HISTORY}))) == 1 + 5 + 1


def test_first_page_tells_the_stored_figures(root):
    found = read_evaluated("one", "test", root)
    text = words(module._first_page(found, found.metrics, found.predictions, "rule-in", 0.75))
    for name in ("auc", "accuracy", "sensitivity", "specificity"):
        assert interval(found.figures("rule-in")[name]) in text
    assert interval(found.metrics["subtype"]["auc"]) in text
    report = classification_report(found.predictions.labels, found.predictions.probabilities, 0.75)
    assert re.search(rf"PNEUMONIA +{report.classes[1].precision:.3f} +{report.classes[1].recall:.3f}", text)
    assert "Not a medical device" in text


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
