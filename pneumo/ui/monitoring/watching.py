"""The Monitoring page: alarms, then right and wrong answers, then the weeks."""

from typing import TYPE_CHECKING

import streamlit as st

from pneumo.errors import PneumoError
from pneumo.labels import Verdict
from pneumo.outgoing import markdown
from pneumo.record.settings import record_url
from pneumo.registry.model_folder import list_models
from pneumo.registry.models import default_model, read_card
from pneumo.reporting.numbers import interval
from pneumo.ui.diagnose import wording
from pneumo.ui.history.record import open_record

if TYPE_CHECKING:
    from pneumo.site.watch import Watch


def show_monitoring() -> None:
    """Draw the page, or say why there is nothing to draw."""
    if record_url() is None:
        st.info("No record is kept, so there is nothing to watch. The operator can switch it on with the setting PNEUMO_RECORD.")
        return
    from pneumo.site.watch import watch_model

    try:
        default = default_model()
        names = sorted(list_models(), key=lambda name: name != default)
        card = read_card(st.selectbox("Model", names, key="monitoring_model"))
        record = open_record()
        watched = watch_model(record.search(), record.refused(), card.id, card.sha256)
    except PneumoError as error:
        st.error(markdown(str(error)))
        return
    _alarms(watched)
    _right_and_wrong(watched)
    _weeks(watched)
    st.caption(
        "The record holds eight numbers of each picture (position of the lungs, exposure, the gate's distance), no pixel and no "
        "name. A file counts once. `pneumo monitor` prints the same."
    )


def _alarms(watched: "Watch") -> None:
    for alarm in watched.alarms:
        st.error(f"**{markdown(alarm.name)}**: {markdown(alarm.sentence)}")
        st.caption(markdown(alarm.why))
    if watched.note:
        st.info(markdown(watched.note))
    elif not watched.alarms:
        st.success(f"No alarm: {watched.cases} cases, watched against the first {watched.first_cases}.")
    if watched.charts:
        with st.expander("What is watched"):
            st.markdown("\n".join(f"- {markdown(name)}" for name in watched.charts))


def _right_and_wrong(watched: "Watch") -> None:
    st.subheader("Right and wrong", anchor=False)
    rows = [
        (name, f"{interval(share.figure, 2)}, {share.count} of {share.of}" if share.of else "nothing entered yet")
        for name, share in (
            ("Readers agreed", watched.agreement["all"]),
            ("Sensitivity (label)", watched.sensitivity),
            ("Specificity (label)", watched.specificity),
            ("Sick whose verdict was not NORMAL", watched.not_missed),
        )
    ]
    st.columns([1, 1])[0].html(wording.table_html(rows))
    st.caption(
        "95 % interval (Wilson), over files. Final diagnoses are entered on History, or by "
        "`pneumo monitor --references CSV`; if only doubtful cases get one, these figures look worse than they are."
    )


def _weeks(watched: "Watch") -> None:
    st.subheader("By week", anchor=False)
    if not watched.weeks:
        st.info("No case is recorded yet.")
        return
    st.dataframe(
        [
            {
                "Week of": week.monday,
                "Answers": week.answers,
                **{str(verdict): week.verdicts[verdict] for verdict in Verdict},
                "Refused": week.refused,
                "Not read": week.unread,
                "With a warning": week.warned,
                "Agreed": f"{week.agreed.count} of {week.agreed.of}" if week.agreed.of else "",
            }
            for week in reversed(watched.weeks)
        ],
        hide_index=True,
        key="monitoring_weeks",
    )
