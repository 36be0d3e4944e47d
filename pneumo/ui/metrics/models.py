"""Several models side by side, and whether they differ by more than chance."""

import contextlib

import streamlit as st

from pneumo.errors import DataError, ModelError
from pneumo.evaluation.compare import Comparison, compare_models
from pneumo.outgoing import markdown
from pneumo.reporting.chart import MODELS
from pneumo.reporting.evaluated import Evaluated, read_evaluated, splits_of
from pneumo.reporting.metrics_charts import models_chart
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.curves import show_chart
from pneumo.ui.metrics.tables import comparisons_html, models_html
from pneumo.ui.shell.models import usable_models


def show_models(choice: Choice) -> None:
    st.subheader("Models side by side", anchor=False)
    first = choice.evaluated
    others = [model for model in usable_models()[0] if model != first.card.id and first.split in splits_of(model)]
    if not others:
        st.caption(f"No other model has an evaluation stored for the split {markdown(first.split)}.")
        return
    key = f"metrics-others-{first.card.id}-{first.split}"
    st.session_state.setdefault(key, others[: len(MODELS) - 1])
    st.session_state[key] = [model for model in st.session_state[key] if model in others]
    chosen = st.multiselect(
        f"Compare {markdown(first.card.id)} with", others, key=key, max_selections=len(MODELS) - 1, placeholder="choose models"
    )
    evaluations = [first]
    for model in chosen:
        with contextlib.suppress(ModelError):
            evaluations.append(read_evaluated(model, first.split))
    rows = [
        (evaluated.card.id, evaluated.metrics, figures, evaluated.points[choice.point])
        for evaluated in evaluations
        if evaluated.metrics and choice.point in evaluated.card.operating_points and (figures := evaluated.figures(choice.point))
    ]
    if rows:
        st.html(models_html(rows))
        st.caption(f"At {markdown(choice.point)}, each model by its own threshold. 95 % intervals over patients.")
    _paired(choice, evaluations)
    drawn = {
        evaluated.card.id: evaluated.predictions
        for evaluated in evaluations
        if evaluated.predictions is not None and evaluated.both_classes
    }
    if len(drawn) > 1:
        show_chart(models_chart(drawn), first.split)


def _paired(choice: Choice, evaluations: list[Evaluated]) -> None:
    compared: list[tuple[str, Comparison]] = []
    for other in evaluations[1:]:
        if choice.evaluated.predictions is None or other.predictions is None or choice.point not in other.card.operating_points:
            st.caption(f"Not compared with {markdown(other.card.id)}: its predictions or this operating point are not stored.")
            continue
        cuts = (choice.threshold, other.points[choice.point])
        try:
            compared.append((other.card.id, compare_models(choice.evaluated.predictions, other.predictions, cuts)))
        except DataError as error:
            st.caption(f"Not compared with {markdown(other.card.id)}. {markdown(str(error))}")
    if not compared:
        return
    st.html(comparisons_html(choice.evaluated.card.id, compared))
    several = " These are several tests at once, so a smaller p is needed." if len(compared) > 1 else ""
    st.caption(
        "Both models saw the same X-rays, so they are compared X-ray by X-ray. A p below 0.05 means that a difference this large "
        "would rarely occur by chance; a large p does not mean that they are equal. DeLong's test takes several X-rays of a "
        f"child together (Obuchowski 1997), McNemar's treats them as independent.{several}"
    )
