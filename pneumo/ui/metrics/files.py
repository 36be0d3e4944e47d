"""The ledger of test looks, and everything to take away."""

import contextlib
import csv
from functools import partial

import streamlit as st

from pneumo.errors import DataError, ModelError
from pneumo.outgoing import markdown
from pneumo.paths import models_dir
from pneumo.registry.models import METRICS, is_stored, read_stored
from pneumo.reporting.chart import Chart
from pneumo.reporting.evaluated import Evaluated, read_history, read_robustness
from pneumo.reporting.history_charts import learning_curves
from pneumo.reporting.metrics_pdf import evaluation_pdf
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.robustness import robustness_charts
from pneumo.ui.metrics.tables import table


def show_ledger(choice: Choice) -> None:
    """Every row, the looks of the chosen model counted."""
    model = choice.evaluated.card.id
    st.subheader("Looks at the test split", anchor=False)
    path = models_dir() / "ledger.csv"
    try:
        with open(path, newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error):
        st.caption("There is no ledger yet: nothing was ever run over a test split here.")
        return
    own = sum(model in row for row in rows)
    st.html(table(header, rows))
    st.caption(
        f"Every run ever made over the test images, with its reason; {own:,} of {markdown(model)}. None of them chose anything: "
        "whoever looks often and tells once reports luck."
    )


def downloads(choice: Choice) -> None:
    """What is stored, as it is stored, and one PDF, made when it is asked for."""
    found = choice.evaluated
    name = f"pneumo-{found.card.id}-{found.split}"
    st.subheader("Downloads", anchor=False)
    with st.container(horizontal=True, gap="small"):
        for label, file, suffix, mime in (
            ("Predictions, CSV", f"predictions-{found.split}.csv", ".csv", "text/csv"),
            ("Metrics, JSON", METRICS, ".json", "application/json"),
        ):
            with contextlib.suppress(ModelError):  # the page has told of a file that is not as the model's manifest has it
                if is_stored(found.card.id, file):
                    st.download_button(
                        label,
                        partial(read_stored, found.card.id, file),
                        f"{name}{suffix}",
                        mime,
                        on_click="ignore",
                        key=f"metrics-get{suffix}",
                    )
        if _can_print(found, choice.point):
            make = partial(_pdf, found, choice.point, choice.prevalence)
            st.download_button("Everything, PDF", make, f"{name}.pdf", "application/pdf", on_click="ignore", key="metrics-get.pdf")
    st.caption("Each plot has a PNG of its own beside it.")


def _pdf(found: Evaluated, point: str, prevalence: float) -> bytes:
    """With training history and removal curves, where they are stored and fit."""
    model = found.card.id
    more: list[Chart] = []
    with contextlib.suppress(DataError, KeyError, TypeError, ValueError):  # the page has told of a file that does not fit
        more += learning_curves({model: read_history(model)})
        more += robustness_charts(read_robustness(model) or {})
    return evaluation_pdf(found, point, tuple(more), prevalence)


def _can_print(found: Evaluated, point: str) -> bool:
    return found.both_classes and found.figures(point) is not None
