"""The Site page: local tests, the model that answers, the site profile, and the buttons that change them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from pneumo.access import Action
from pneumo.errors import PneumoError
from pneumo.outgoing import markdown
from pneumo.paths import site_dir
from pneumo.registry.acts import Act, candidate_model, profile_in_use, read_acts
from pneumo.registry.model_folder import list_models
from pneumo.registry.models import default_model, site_model
from pneumo.reporting.numbers import interval
from pneumo.site.change import activate, back, earlier_choices, end_candidate, set_candidate
from pneumo.site.local_test import REPORT_FILE, RESULT_FILE
from pneumo.site.profile import leave_profile, list_profiles, read_profile, use_profile
from pneumo.ui.diagnose import wording
from pneumo.ui.history.record import actor
from pneumo.ui.shell.access import check, permitted

_PROBLEM = "site_problem"


def show_site() -> None:
    """Draw the page, and what is wrong with the site's acts."""
    if problem := st.session_state.get(_PROBLEM):
        st.error(markdown(problem))
    acts: tuple[Act, ...] = ()
    active, chosen = "", None
    try:
        acts = read_acts()
        chosen = site_model()
        active = chosen or default_model()
    except PneumoError as error:
        st.error(markdown(str(error)))
    _tests()
    _model(acts, active, chosen)
    _profile(acts)
    _log(acts)


def _tests() -> None:
    st.subheader("Local tests", anchor=False)
    folders = sorted(site_dir().glob(f"tests/*/{RESULT_FILE}"), key=lambda path: path.stat().st_mtime, reverse=True)
    if not folders:
        st.write(
            "No local test was made yet. Every figure of this product comes from one hospital's children. Test it on your own "
            "labelled X-rays before you rely on it; on the computer that runs Pneumo:"
        )
        st.code(
            "pneumo site-plan --sick 100 --healthy 100 --least auc=0.9 --decides 'Dr A' --output plan.json\n"
            "pneumo site-test cases.csv --plan plan.json",
            language="shell",
        )
    for path in folders:
        _test(path)


def _test(path: Path) -> None:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        title = f"{result['outcome'].upper()}: {result['model']}, {result['made'][:10]}"
        rows = [(row["figure"], f"at least {row['least']:g}; seen {interval(row)}: {row['outcome']}") for row in result["outcomes"]]
        why, frame = result["why"], result["frame"]["likeness"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        st.warning(f"{markdown(str(path))} cannot be read as a result of a local test.")
        return
    with st.expander(markdown(title), expanded=True):
        st.write(markdown(why))
        st.html(wording.table_html(rows))
        if frame:
            st.caption(markdown(frame))
        report = path.with_name(REPORT_FILE)
        if report.is_file():
            name, key = f"local-test-{result['model']}.pdf", f"report-{path.parent.name}"
            st.download_button("Report PDF", report.read_bytes(), name, "application/pdf", on_click="ignore", key=key)


def _model(acts: Sequence[Act], active: str, chosen: str | None) -> None:
    st.subheader("The model that answers here", anchor=False)
    candidate = candidate_model(acts)
    rows = [
        ("Active", f"{active or 'none'}{'' if chosen else ', the default of the registry'}"),
        ("Candidate", f"{candidate.subject}, its answers are recorded but not shown" if candidate else "none"),
    ]
    st.html(wording.table_html(rows))
    if not permitted(Action.SITE):
        return
    why = st.text_input("Reason, for the site's acts", key="site_why")
    others = [name for name in list_models() if name != active]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Another model", others, key="site_other") if others else None
        if name:
            st.button("Try as candidate", on_click=_act, args=(set_candidate, name, why), key="site_candidate")
            st.button("Make it active", on_click=_act, args=(activate, name, why), key="site_activate")
        if candidate:
            st.button("End the candidate", on_click=_act, args=(end_candidate, why), key="site_end")
        if earlier_choices(acts):
            st.button("Back to the model before", on_click=_act, args=(back, why), key="site_back")
    if candidate:
        st.caption(
            "Compare the two on the recorded cases: `pneumo site-model compare`. Readers do not see what the candidate says."
        )


def _profile(acts: Sequence[Act]) -> None:
    st.subheader("Site profile", anchor=False)
    used = profile_in_use(acts)
    st.write(
        f"Answers of its model are read by the profile {markdown(used.subject)}, and name it."
        if used
        else "None in use: answers are read by the model's own calibration."
    )
    for name in list_profiles():
        try:
            profile = read_profile(name)
        except PneumoError as error:
            st.warning(markdown(str(error)))
            continue
        st.caption(
            f"{markdown(name)}: {markdown(profile.model)}, fitted on {profile.fitted_on.images} X-rays, judged on "
            f"{profile.judged_on.images}; log loss lower by {interval(profile.loss_less)}"
        )
        if permitted(Action.SITE) and not (used and used.subject == name):
            st.button(f"Use {markdown(name)}", on_click=_act, args=(use_profile, name, "from the Site page"), key=f"use-{name}")
    if used and permitted(Action.SITE):
        st.button("Leave the profile", on_click=_act, args=(leave_profile, "from the Site page"), key="site_leave")


def _log(acts: Sequence[Act]) -> None:
    rows = [{"Time": act.time, "Who": act.actor, "Act": act.action, "Of": act.subject, "Why": act.why} for act in reversed(acts)]
    if rows:
        with st.expander(f"The site's acts ({len(rows)})"):
            st.dataframe(rows, hide_index=True, key="site_acts")


def _act(change: Callable[..., object], *arguments: str) -> None:
    st.session_state[_PROBLEM] = ""
    try:
        check(Action.SITE)
        change(*arguments, actor())
    except PneumoError as error:
        st.session_state[_PROBLEM] = str(error)
