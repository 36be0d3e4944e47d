"""One case, large: the radiograph with its heatmap, the answer and how reliable it is."""

from functools import partial
from html import escape
from typing import cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo.imaging.overlay import COLOUR_MAPS, fit_within, grey_picture, overlay_picture, png
from pneumo.inference.finding import Terms
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import markdown
from pneumo.reporting import finding_words as words
from pneumo.reporting.captioned import NO_HEAT, with_captions
from pneumo.reporting.second_opinion_words import heat_sentence
from pneumo.reporting.weaknesses import heatmap_doubt
from pneumo.site.profile import metrics_beside
from pneumo.ui.diagnose import second_opinion, wording
from pneumo.ui.diagnose.report import report_download, report_form
from pneumo.ui.diagnose.viewer_component import draw_viewer
from pneumo.ui.diagnose.viewer_data import OPACITY, viewer_parcel
from pneumo.ui.history.record import show_record
from pneumo.ui.shell.state import PARCEL, Case, key_of

REFUSED_SIDE = 480  # pixels, longer side of the picture of a file without an answer
_OVERLAY_HELP = "In the file's own greys, whatever window the viewer shows."


def show_case(case: Case, predictor: Predictor, terms: Terms, place: str, head: DeltaGenerator) -> None:
    """Draw an answered case, or why there is no answer. Its name and `place`, its number among the files, go into `head`."""
    finding = case.finding_of(predictor)
    parcel = _parcel(case, predictor) if finding.answer else b""  # slow, so done before the page shows the new name
    head.html(f'<p class="case-name">{escape(case.name)} ({escape(place)})</p>')
    if finding.answer is None:
        show_no_answer()
        st.error(f"{finding.status.in_words.capitalize()}: {markdown(finding.reasons[0])}")
        if case.values is not None:
            seen = fit_within(case.values.presented(), REFUSED_SIDE)
            st.image(grey_picture(seen), width=seen.shape[1], caption="The picture that was refused", alt=case.name)
        st.html(wording.table_html(wording.facts_rows(case.name, case.facts, case.finding.sha256)))
        return
    with st.container(key="case"):  # theme.css: picture beside answer and the rest; on a phone one below the other
        with st.container(key="case_answer", gap="xsmall"):
            chips = _answer(case, predictor, terms, place)
        picture, rest = st.container(key="case_picture"), st.container(key="case_rest")
    with picture:
        draw_viewer(parcel, case.finding.sha256[:16])
        doubt = heatmap_doubt(predictor.card.id)
        line = f"{doubt} So it is off at first; press Shift H." if doubt else heat_sentence(second_opinion.heat_of(case, predictor))
        st.html(f'<p class="quiet">{escape(line)}</p>')
        if case.reduced:
            height, width = case.display()[0].stored.shape
            st.caption(
                f"A reduced copy from the worklist, {width:d} x {height:d} pixels; the answer "
                "was given on the full image. Drop the file here to see it in full."
            )
    with rest:
        _how_reliable(case, predictor, terms)
        show_record(case, predictor, terms)
        with st.container(horizontal=True, gap="small"):
            make, name = partial(_overlay_png, case, predictor, terms), f"pneumo-overlay-{case.finding.sha256[:8]}.png"
            st.download_button("Overlay PNG", make, name, "image/png", on_click="ignore", key="overlay_png", help=_OVERLAY_HELP)
            report_download(case, predictor, terms)
        report_form(case, predictor, terms)
        second_opinion.show_button(case, predictor)
        with st.expander("More about this answer"):
            _details(case, predictor, terms)
    second_opinion.show(case, predictor, terms)
    if second_opinion.ask_other_models(case, predictor):
        second_opinion.show_chips(chips, case, predictor, terms)


def _parcel(case: Case, predictor: Predictor) -> bytes:
    """Made only when another case opens; a rerun sends the same bytes, which the browser already has."""
    opinion = case.opinions.get(key_of(predictor.card))
    identity = (case.finding.sha256, case.reduced, key_of(predictor.card), opinion is not None)
    known, parcel = cast(tuple[object, bytes], st.session_state.get(PARCEL, (None, b"")))
    if known != identity:
        similar = second_opinion.similar_pictures(opinion.similar) if opinion else ()
        heatmap, lungs = case.answer(predictor).heatmap, second_opinion.lungs_in(case)
        doubted = bool(heatmap_doubt(predictor.card.id))
        parcel = viewer_parcel(case.finding.sha256[:16], *case.display(), heatmap, lungs, similar, doubted)
        st.session_state[PARCEL] = (identity, parcel)
    return parcel


def _overlay_png(case: Case, predictor: Predictor, terms: Terms) -> bytes:
    """Without heat, and with a note, where the model's heatmap does no better than chance."""
    picture, model, reading = grey_picture(case.display()[0].presented()), predictor.card.id, case.reading(predictor, terms)
    notes: tuple[str, ...] = (NO_HEAT,)
    colour_map = ""
    if not heatmap_doubt(model):
        notes, colour_map = (), COLOUR_MAPS[0]
        picture = overlay_picture(picture, case.answer(predictor).heatmap.on_image(*picture.shape[:2]), OPACITY, colour_map)
    return png(with_captions(picture, reading, model, case.finding_of(predictor).warnings, notes, colour_map))


def show_no_answer() -> None:
    """The place of the answer while there is none: a screen reader tells what comes into it later."""
    with st.container(key="case"), st.container(key="case_answer", gap="xsmall"):
        st.markdown(wording.NO_ANSWER, unsafe_allow_html=True)


def _answer(case: Case, predictor: Predictor, terms: Terms, place: str) -> DeltaGenerator:
    """What stands above the fold. Returns the place of the chips, which are drawn again after the other models answered."""
    reading, warnings = case.reading(predictor, terms), case.finding_of(predictor).warnings
    st.markdown(wording.answer_html(reading, place), unsafe_allow_html=True)
    st.html(wording.bar_html(reading))
    for warning in warnings:
        st.warning(markdown(warning))
    if case.truth:
        st.info(f"From the data set. Its true label: {markdown(case.truth)}.")
    if like_this := words.like_this_sentence(metrics_beside(predictor), case.answer(predictor).log_ratio, reading, warnings):
        st.html(f'<p class="said">{like_this}</p>')
    chips = st.empty()
    second_opinion.show_chips(chips, case, predictor, terms)
    return chips


def _how_reliable(case: Case, predictor: Predictor, terms: Terms) -> None:
    reading = case.reading(predictor, terms)
    said = "".join(
        f'<p class="said">{sentence}</p>' for sentence in (words.SENTENCES[reading.verdict], words.likelihood_sentence(reading))
    )
    heat = f'<p class="quiet">{words.heatmap_sentence(reading, case.answer(predictor).heatmap)}</p>'
    st.html(said + wording.figures_html(metrics_beside(predictor)) + ("" if heatmap_doubt(predictor.card.id) else heat))


def _details(case: Case, predictor: Predictor, terms: Terms) -> None:
    card, answer, reading = predictor.card, case.answer(predictor), case.reading(predictor, terms)
    kind = words.subtype_sentence(metrics_beside(predictor), reading, answer.bacterial)
    rows = [
        *wording.facts_rows(case.name, case.facts, case.finding.sha256),
        ("Read and answered in", f"{case.finding_of(predictor).seconds:.2f} s"),
        ("Model", f"{card.id}, weights {card.sha256[:16]}, {predictor.seal.state if predictor.seal else 'unsigned'}"),
        ("Zone", words.zone_help(reading.zone)),
        *([("Bacterial or viral", kind)] if kind else []),
        ("Logit", f"{answer.logit:.3f} before calibration"),
        ("Heat", f"peak {answer.heatmap.peak:.2f} of the model's fixed scale; Grad-CAM, positive part"),
    ]
    st.html(wording.table_html(rows))
