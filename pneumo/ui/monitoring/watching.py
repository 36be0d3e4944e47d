"""The Monitoring page: alarms first, then the weeks, then what is known of right and wrong."""

from typing import TYPE_CHECKING

import streamlit as st

from pneumo.errors import PneumoError
from pneumo.labels import Verdict
from pneumo.outgoing import markdown
from pneumo.record.settings import record_url
from pneumo.registry.models import default_model, list_models, read_card
from pneumo.reporting.numbers import interval
from pneumo.ui.diagnose import wording
from pneumo.ui.history.record import open_record

if TYPE_CHECKING:
    from pneumo.site.watch import Watch


def show_monitoring() -> None:
    """Draw the page, or say why there is nothing to draw."""
    if record_url() is None:
        st.info(
            "No record is kept, so there is nothing to watch. Whoever runs Pneumo switches it on with the setting PNEUMO_RECORD."
        )
        return
    from pneumo.site.watch import watch_model

    try:
        usual = default_model()
        names = sorted(list_models(), key=lambda name: name != usual)
        card = read_card(st.selectbox("Model", names, key="monitoring_model"))
        record = open_record()
        told = watch_model(record.search(), record.refused(), card.id, card.sha256)
    except PneumoError as error:
        st.error(markdown(str(error)))
        return
    _alarms(told)
    _right_and_wrong(told)
    _weeks(told)
    st.caption(
        "The record keeps of a picture eight numbers (where the lungs lie, exposure, the gate's distance), no pixel and no name. A "
        "file counts once. The same is printed by `pneumo monitor`."
    )


def _alarms(told: "Watch") -> None:
    for alarm in told.alarms:
        st.error(f"**{markdown(alarm.name)}**: {markdown(alarm.sentence)}")
        st.caption(markdown(alarm.why))
    if told.note:
        st.info(markdown(told.note))
    elif not told.alarms:
        st.success(f"No alarm: {told.cases} cases, watched against the first {told.first_cases}.")
    if told.charts:
        with st.expander("What is watched"):
            st.markdown("\n".join(f"- {markdown(name)}" for name in told.charts))


def _right_and_wrong(told: "Watch") -> None:
    st.subheader("Right and wrong", anchor=False)
    rows = [
        (name, f"{interval(share.figure, 2)}, {share.count} of {share.of}" if share.of else "nothing entered yet")
        for name, share in (
            ("Readers agreed", told.agreement["all"]),
            ("Sensitivity (label)", told.sensitivity),
            ("Specificity (label)", told.specificity),
            ("Sick whose verdict was not NORMAL", told.not_missed),
        )
    ]
    st.columns([2, 3])[0].html(wording.table_html(rows))
    st.caption(
        "95 % interval (Wilson), over files. What children turned out to have is entered on History, or by "
        "`pneumo monitor --references CSV`; whoever enters it only for doubtful cases makes these figures look worse than they are."
    )


def _weeks(told: "Watch") -> None:
    st.subheader("By week", anchor=False)
    if not told.weeks:
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
            for week in reversed(told.weeks)
        ],
        hide_index=True,
        key="monitoring_weeks",
    )
