"""The ledger of looks at test, and the downloads."""

import contextlib
import csv
from functools import partial

import streamlit as st

from pneumo.errors import ModelError
from pneumo.outgoing import markdown
from pneumo.paths import models_dir
from pneumo.registry.model_folder import METRICS, ModelFolder, predictions_file
from pneumo.reporting.chart import Chart
from pneumo.reporting.evaluated import Evaluated
from pneumo.reporting.history_charts import learning_curves
from pneumo.reporting.metrics_pdf import evaluation_pdf
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.robustness import robustness_charts
from pneumo.ui.metrics.tables import table


def show_ledger(choice: Choice) -> None:
    """Every row, and how many are of the chosen model."""
    model = choice.evaluated.card.id
    st.subheader("Looks at the test split", anchor=False)
    path = models_dir() / "ledger.csv"
    try:
        with open(path, newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error):
        st.caption("There is no ledger yet: no model was evaluated on a test split here.")
        return
    own = sum(model in row for row in rows)
    st.html(table(header, rows))
    st.caption(
        f"Every evaluation on the test images, with its reason; {own:,} of {markdown(model)}. None was used to choose anything: "
        "the best of many looks at test is partly luck."
    )


def show_downloads(choice: Choice) -> None:
    """The stored files, and one PDF that is made on demand."""
    evaluated = choice.evaluated
    name, folder = f"pneumo-{evaluated.card.id}-{evaluated.split}", ModelFolder.of(evaluated.card.id)
    st.subheader("Downloads", anchor=False)
    with st.container(horizontal=True, gap="small"):
        for label, file, suffix, mime in (
            ("Predictions, CSV", predictions_file(evaluated.split), ".csv", "text/csv"),
            ("Metrics, JSON", METRICS, ".json", "application/json"),
        ):
            with contextlib.suppress(ModelError):  # the page already warns of a file that differs from the model's manifest
                if folder.holds(file):
                    read, key = partial(folder.read, file), f"metrics-get{suffix}"
                    st.download_button(label, read, f"{name}{suffix}", mime, on_click="ignore", key=key)
        if evaluated.both_classes and evaluated.figures(choice.point) is not None:
            make = partial(_pdf, evaluated, choice.point, choice.prevalence)
            st.download_button("Everything, PDF", make, f"{name}.pdf", "application/pdf", on_click="ignore", key="metrics-get.pdf")
    st.caption("Each plot has its own PNG beside it.")


def _pdf(evaluated: Evaluated, point: str, prevalence: float) -> bytes:
    """With training history and removal curves, where they are stored and fit."""
    model = evaluated.card.id
    extra_charts: list[Chart] = []
    with contextlib.suppress(ModelError, KeyError, TypeError, ValueError):  # the page already warns of a file that does not fit
        extra_charts += learning_curves({model: ModelFolder.of(model).history()})
        extra_charts += robustness_charts(ModelFolder.of(model).robustness() or {})
    return evaluation_pdf(evaluated, point, tuple(extra_charts), prevalence)
