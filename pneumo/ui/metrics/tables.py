"""The numbers and tables of the Metrics page as HTML. No streamlit here, for the tests."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from pneumo.evaluation.classification_report import THREE_CLASSES, ClassificationReport
from pneumo.evaluation.compare import Comparison
from pneumo.evaluation.groups import Group
from pneumo.reporting.numbers import interval, number, p_value, signed

_MEANING = {
    "auc": ("AUC", "how often a sick child is rated above a healthy one: 1 is always, 0.5 is chance"),
    "accuracy": ("Accuracy", "of all answers are right, with sick and healthy as frequent as on this split"),
    "sensitivity": ("Sensitivity", "of the sick children are called PNEUMONIA; the rest are missed"),
    "specificity": ("Specificity", "of the healthy children are called NORMAL; the rest are false alarms"),
}
_SCROLLS = '<div class="metrics-scroll" role="group" aria-label="table" tabindex="0">'  # by arrow keys too
_KINDS = {"auc": "AUC", "accuracy": "Accuracy", "sensitivity": "Bacterial cases found", "specificity": "Viral cases found"}


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that scrolls sideways where it is too wide. Every cell is escaped; the first one names its row."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in headers)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>' for row in rows
    )
    inside = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'{_SCROLLS}<table class="metrics-table">{inside}</table></div>'


def numbers_html(figures: Mapping[str, Mapping[str, float | None]]) -> str:
    """The four figures, each with its interval and what it means."""
    cells = []
    for name, (title, meaning) in _MEANING.items():
        figure = figures[name]
        ends = f"{number(figure['low'])} to {number(figure['high'])}" if figure["low"] is not None else "no interval"
        cells.append(
            f'<div class="metrics-number"><span class="metrics-name">{title}</span><b>{number(figure["value"])}</b>'
            f'<span class="metrics-ends">{ends}</span><p>{meaning}</p></div>'
        )
    return f'<div class="metrics-numbers">{"".join(cells)}</div>'


def matrix_html(report: ClassificationReport) -> str:
    """Counts and shares of each true class. Right and wrong are said in words too, not only by the frame of the cell."""
    outcomes = (("right", "false alarm"), ("missed", "right"))
    body = ""
    for row, counts, rates, words in zip(report.classes, report.matrix.tolist(), report.rates.tolist(), outcomes, strict=True):
        tone = row.name.lower()
        cells = "".join(
            f'<td class="{"metrics-right" if word == "right" else "metrics-wrong"}"><b>{count}</b>'
            f"<span>{number(rate)} of {row.support}</span><small>{word}</small></td>"
            for count, rate, word in zip(counts, rates, words, strict=True)
        )
        body += f'<tr><th scope="row">truly<br><span class="{tone}">{row.name}</span></th>{cells}</tr>'
    return (
        f'{_SCROLLS}<table class="metrics-matrix"><thead><tr><td></td>'
        '<th scope="col">called <span class="normal">NORMAL</span></th>'
        f'<th scope="col">called <span class="pneumonia">PNEUMONIA</span></th></tr></thead><tbody>{body}</tbody></table></div>'
    )


def three_classes_html(matrix: np.ndarray) -> str:
    """Rows the truth, columns the call; each cell a count and its share of the row."""
    rows = [
        [f"truly {name}", *(f"{count} ({number(count / max(counts.sum(), 1))})" for count in counts), str(counts.sum())]
        for name, counts in zip(THREE_CLASSES, matrix, strict=True)
    ]
    return table(["", *(f"called {name}" for name in THREE_CLASSES), "X-rays"], rows)


def report_html(report: ClassificationReport) -> str:
    groups = (*report.classes, report.macro, report.weighted)
    rows = [[row.name, number(row.precision), number(row.recall), number(row.f1), str(row.support)] for row in groups]
    rows.insert(len(report.classes), ["accuracy", "", "", number(report.accuracy.value), str(report.accuracy.of)])
    return table(["", "precision", "recall", "F1", "support"], rows)


def at_threshold_html(report: ClassificationReport, stored: Mapping[str, Any] | None) -> str:
    """Accuracy, sensitivity and specificity in one table; `stored` figures where the threshold is an operating point."""
    names = ("accuracy", "sensitivity", "specificity")
    figures = [interval(stored[name] if stored else getattr(report, name).figure) for name in names]
    kind = "over patients" if stored else "Wilson, images taken as independent"
    return table(["threshold", *names, "95 % intervals"], [[f"{report.threshold:.4g}", *figures, kind]])


def groups_html(groups: Sequence[Group]) -> str:
    rows = []
    for group in groups:
        counts = (str(count) for count in (group.images, group.patients, group.right.count))
        rows.append([group.name, *counts, interval(group.right.figure), number(group.auc) if group.auc == group.auc else ""])
    return table(["", "X-rays", "patients", "called rightly", "share (Wilson interval)", "AUC against the healthy"], rows)


def kinds_html(kind: Mapping[str, Any]) -> str:
    return table(["", "value (95 % interval)"], [[title, interval(kind[name])] for name, title in _KINDS.items() if name in kind])


def models_html(rows: Sequence[tuple[str, Mapping[str, Any], Mapping[str, Any], float]]) -> str:
    """`rows`: (model, the split's metrics, its figures at the operating point, threshold)."""
    names = ("auc", "accuracy", "sensitivity", "specificity", "f1")
    cells = [
        [model, *(interval(figures[name]) for name in names), number(metrics["ece"]), number(metrics["brier"]), number(cut)]
        for model, metrics, figures, cut in rows
    ]
    return table(["model", "AUC", "accuracy", "sensitivity", "specificity", "F1", "ECE", "Brier", "threshold"], cells)


def comparisons_html(first: str, comparisons: Sequence[tuple[str, Comparison]]) -> str:
    rows = []
    for second, c in comparisons:
        auc = f"{signed(c.auc.value)} ({signed(c.auc.low)} to {signed(c.auc.high)})"
        alone = f"{c.only_first_right} against {c.only_second_right}"
        rows.append([f"{first} less {second}", auc, p_value(c.auc.p), signed(c.accuracy), alone, p_value(c.accuracy_p)])
    return table(["", "AUC (95 % interval)", "p (DeLong)", "accuracy", "right alone, X-rays", "p (McNemar)"], rows)
