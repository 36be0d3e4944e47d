"""Top of the Metrics page: model, split and operating point, then the four figures."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from pneumo.errors import ModelError
from pneumo.evaluation.operating_point import BALANCED, MEANING
from pneumo.evaluation.predictions import Predictions
from pneumo.outgoing import markdown
from pneumo.registry.model_folder import ModelFolder
from pneumo.reporting.evaluated import Evaluated, read_evaluated, splits_of
from pneumo.ui.diagnose.sidebar import choose_prevalence
from pneumo.ui.metrics.tables import numbers_html
from pneumo.ui.shell.models import usable_models

Measured = TypeVar("Measured")
_FLATTERS = "The validation part chose this model's epoch and comes from the same source as train, so its figures are too good."
_MODEL_HELP = "The first one is the default model: the best on held-out train data."
_CUT_HELP = "Where the line between NORMAL and PNEUMONIA is drawn; set on held-out train images."


@dataclass(frozen=True)
class Choice:
    """What the page shows: an evaluation at an operating point and a prevalence."""

    evaluated: Evaluated
    point: str
    prevalence: float  # of the user's patients

    @property
    def threshold(self) -> float:
        return self.evaluated.points[self.point]

    @property
    def predictions(self) -> Predictions:
        assert self.evaluated.predictions is not None, "expected stored predictions"
        return self.evaluated.predictions

    @property
    def key(self) -> str:
        """Part of widget keys, so that another choice gets its own widgets."""
        return f"{self.evaluated.card.id}-{self.evaluated.split}-{self.point}"


def choose_evaluation() -> Choice | None:
    """None, with advice on the page, when nothing is stored."""
    usable, problems = usable_models()
    for problem in problems:
        st.error(markdown(problem))
    if not usable:
        st.info(
            "There is no model here yet, so there is nothing to measure. Restore the models folder of the repository, or train a "
            "network and promote it; promotion evaluates it and stores the figures of this page."
        )
        st.page_link("pages/train.py", label="To the Train page")
        return None
    state = st.session_state
    left, middle, right = st.columns([3, 4, 4], gap="medium")
    _within("metrics-model", usable, usable[0])
    model = left.selectbox("Model", usable, key="metrics-model", persist_state="session", help=_MODEL_HELP)
    splits = splits_of(model)
    if not splits:
        st.info(markdown(f"No evaluation of {model} is stored. Run: python -m pneumo evaluate {model} --split test --data FOLDER"))
        return None
    _within("metrics-split", splits, splits[0])
    middle.segmented_control("Split", splits, format_func=markdown, key="metrics-split", required=True, persist_state="session")
    try:
        evaluated = read_evaluated(model, state["metrics-split"])
    except ModelError as error:  # removed since it was listed
        st.error(markdown(str(error)))
        return None
    points = list(evaluated.card.operating_points)
    _within("metrics-point", points, BALANCED if BALANCED in points else points[0])
    right.segmented_control(
        "Operating point", points, format_func=markdown, key="metrics-point", required=True, persist_state="session", help=_CUT_HELP
    )
    if "test" not in splits:
        st.warning(
            f"{markdown(model)} was never evaluated on a test split. These figures come from other splits; rely on them less."
        )
    return Choice(evaluated, state["metrics-point"], choose_prevalence())


def show_figures(choice: Choice) -> None:
    """Problems of the stored files, the counts, and the four figures."""
    evaluated = choice.evaluated
    for problem in evaluated.problems:
        st.warning(markdown(problem))
    figures = evaluated.figures(choice.point)
    if figures is None or evaluated.metrics is None:
        st.info("No figures with intervals are stored at this operating point; see below what the predictions show.")
        return
    st.markdown(
        f"{evaluated.metrics['n']:,} X-rays of {evaluated.metrics['patients']:,} patients. Threshold {choice.threshold:.4g}, "
        f"{markdown(MEANING.get(choice.point, 'set on held-out train images'))}."
    )
    st.html(numbers_html(figures))
    st.caption(f"95 % intervals over patients. {_FLATTERS if evaluated.split == 'validation' else ''}")


def measured_or_why(model: str, read: Callable[[ModelFolder], Measured | None], command: str) -> Measured | None:
    """A measurement that is stored of the model; None, with the reason on the page, where there is none or it cannot be read."""
    try:
        measured = read(ModelFolder.of(model))
    except ModelError as error:
        st.warning(markdown(str(error)))
        return None
    if measured is None:
        st.info("Not measured yet for this model. This command measures it, with the data set:")
        st.code(f"python -m pneumo {command}", language="bash", wrap_lines=True)
    return measured


def _within(key: str, options: list[str] | tuple[str, ...], default: str) -> None:
    if st.session_state.get(key) not in options:
        st.session_state[key] = default
