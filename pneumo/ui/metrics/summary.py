"""The summary of the Metrics page: what speaks most against the model, then both tables and the slider of their threshold."""

import streamlit as st

from pneumo.errors import ModelError
from pneumo.evaluation.classification_report import make_classification_report
from pneumo.outgoing import markdown
from pneumo.registry.model_folder import ModelFolder
from pneumo.reporting.chart import grouped_points
from pneumo.reporting.weaknesses import heatmap_doubt, main_weaknesses
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.tables import at_threshold_html, matrix_html, report_html
from pneumo.ui.shell.state import put

_STEPS = 200
_MARK_HELP = "Put the threshold on this operating point"
_NOT_TO_CHOOSE = (
    "Move the threshold to understand it, never to choose one: figures of a threshold chosen on test are too good. The operating "
    "points were chosen on held-out train images."
)


def show_worst_news(choice: Choice) -> None:
    model = choice.evaluated.card.id
    try:
        news = main_weaknesses(choice.evaluated.metrics, ModelFolder.of(model).robustness(), heatmap_doubt(model))
    except (ModelError, KeyError, TypeError, AttributeError):
        return  # the section Robustness shows the error
    st.subheader("The worst news", anchor=False)
    st.markdown("\n".join(f"- {markdown(sentence)}" for sentence in news) or "Nothing stands out. See each section.")


@st.fragment
def show_threshold(choice: Choice) -> None:
    """A fragment, so that only this part runs again when the slider moves."""
    if choice.evaluated.predictions is None:
        return
    predictions, points = choice.predictions, choice.evaluated.points
    names = {cut: name for name, cut in grouped_points(points)}
    key = f"metrics-threshold-{choice.key}"
    st.session_state.setdefault(key, choice.threshold)
    cut = st.select_slider(
        "Threshold: PNEUMONIA is called at or above it",
        sorted({*names, *(step / _STEPS for step in range(_STEPS + 1))}),
        key=key,
        format_func=lambda value: f"{value:.4g} {names[value]}" if value in names else f"{value:.3f}",
    )
    with st.container(horizontal=True, gap="small", key="metrics-marks"):
        for number, (at, name) in enumerate(names.items()):
            mark, taken = f"metrics-mark-{number}", at == cut
            st.button(f"{markdown(name)} {at:.3g}", key=mark, on_click=put, args=(key, at), disabled=taken, help=_MARK_HELP)
    report = make_classification_report(predictions.labels, predictions.probabilities, cut)
    left, right = st.columns(2, gap="large")
    point = next((name for name, at in points.items() if at == cut), None)
    stored = choice.evaluated.figures(point) if point else None
    with left:
        st.subheader("Confusion matrix", anchor=False)
        st.html(matrix_html(report))
        st.caption("Rows are what the children had, columns what the model called them; shares are of each row.")
    with right:
        st.subheader("Classification report", anchor=False)
        st.html(report_html(report))
        st.caption("Precision: calls of a class that are right. Recall: cases of a class that are found. F1: their harmonic mean.")
    st.html(at_threshold_html(report, stored))
    if stored is None:
        st.caption("This threshold has no stored intervals; Wilson's treat X-rays as independent and are a little too narrow.")
    st.caption(_NOT_TO_CHOOSE)
