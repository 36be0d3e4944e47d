"""One case, large: the radiograph with its heatmap, and beside it what was found and how far to trust it."""

import base64
from functools import partial
from html import escape

import numpy as np
import streamlit as st

from pneumo.imaging.overlay import boxed, legend_picture, overlay_picture, png
from pneumo.inference.finding import judge
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import markdown
from pneumo.reporting import finding_words as words
from pneumo.reporting.captioned import captioned
from pneumo.site.use import metrics_beside
from pneumo.ui.diagnose import wording
from pneumo.ui.diagnose.report import report_download, report_form
from pneumo.ui.diagnose.second_opinion import heat_line, second_opinion_button, show_cautions, show_second_opinion
from pneumo.ui.diagnose.sidebar import View
from pneumo.ui.diagnose.window import eye_picture
from pneumo.ui.history.record import show_record
from pneumo.ui.shell.state import Case


def show_case(case: Case, predictor: Predictor, view: View, place: str) -> None:
    """Draw an answered case, or the reason why there is no answer, under its name and `place` among the files."""
    found = case.found(predictor)
    st.html(f'<p class="case-name">{escape(case.name)} ({escape(place)})</p>')
    if found.answer is None:
        st.error(f"{found.status.in_words.capitalize()}: {markdown(found.reasons[0])}")
        st.html(wording.table_html(wording.facts_rows(case.name, case.facts, case.finding.sha256)))
        return
    answer = found.answer
    plain = eye_picture(case, view)
    overlay = overlay_picture(plain, answer.heatmap.on_image(*case.pixels.shape), view.opacity, view.colour_map)
    if view.shown_part:
        overlay = boxed(overlay, answer.heatmap.shown)
    picture, panel = st.columns([5, 3], gap="medium")
    with picture:
        if view.side_by_side:
            left, right = st.columns(2, gap="small")
            left.image(plain, width="stretch", alt="radiograph")
            right.image(overlay, width="stretch", alt="radiograph with heatmap")
        else:
            st.image(overlay, width="stretch", alt="radiograph with heatmap")
        st.html(_legend_html(view.colour_map))
        st.html(f'<p class="quiet">{escape(heat_line(case, predictor))}</p>')
        if case.reduced:
            st.caption(f"A reduced copy from the worklist, {case.pixels.shape[1]:d} x {case.pixels.shape[0]:d} pixels; the answer "
                       "was given on the full image. Drop the file here to see it in full.")  # fmt: skip
    with panel:
        show_cautions(case, predictor, view.terms)
        _panel(case, predictor, view, answer)
        show_record(case, predictor, view.terms)
        with st.container(horizontal=True, gap="small"):
            st.download_button("Overlay PNG", partial(_overlay_png, overlay, case, predictor, view),
                               f"pneumo-overlay-{case.finding.sha256[:8]}.png", "image/png",
                               on_click="ignore", key="overlay_png")  # fmt: skip
            report_download(case, predictor, view)
        report_form(case, predictor, view)
        second_opinion_button(case, predictor)
        with st.expander("More about this answer"):
            _details(case, predictor, view, answer)
    show_second_opinion(case, predictor, view.terms)


def _overlay_png(overlay: np.ndarray, case: Case, predictor: Predictor, view: View) -> bytes:
    reading = judge(case.answer(predictor).log_ratio, predictor.card, view.terms)
    return png(captioned(overlay, reading, predictor.card.id, case.found(predictor).warnings))


def _panel(case: Case, predictor: Predictor, view: View, answer) -> None:
    card = predictor.card
    reading = judge(answer.log_ratio, card, view.terms)
    metrics = metrics_beside(predictor)
    warnings = case.found(predictor).warnings
    for warning in warnings:
        st.warning(markdown(warning))
    if case.truth:
        st.info(f"From the data set. Its true label: {markdown(case.truth)}.")
    said = (
        words.sentence(reading),
        words.like_this_sentence(metrics, answer.log_ratio, reading, warnings),
        words.likelihood_sentence(reading),
    )
    st.html(
        wording.verdict_html(reading)
        + wording.bar_html(reading)
        + "".join(f'<p class="said">{sentence}</p>' for sentence in said if sentence)
        + wording.figures_html(metrics)
        + f'<p class="quiet">{words.heatmap_sentence(reading, answer.heatmap)}</p>'
    )


def _details(case: Case, predictor: Predictor, view: View, answer) -> None:
    card = predictor.card
    kind = words.subtype_sentence(metrics_beside(predictor), judge(answer.log_ratio, card, view.terms), answer.bacterial)
    rows = [
        *wording.facts_rows(case.name, case.facts, case.finding.sha256),
        ("Read and answered in", f"{case.found(predictor).seconds:.2f} s"),
        ("Model", f"{card.id}, weights {card.sha256[:16]}, {predictor.seal.state if predictor.seal else 'unsigned'}"),
        *([("Bacterial or viral", kind)] if kind else []),
        ("Logit", f"{answer.logit:.3f} before calibration"),
        ("Heat", f"peak {answer.heatmap.peak:.2f} of the model's fixed scale; Grad-CAM, positive part"),
    ]
    st.html(wording.table_html(rows))


def _legend_html(colour_map: str) -> str:
    strip = base64.b64encode(png(legend_picture(colour_map))).decode()
    none, strong, scale = words.LEGEND
    return (
        f'<div class="legend"><span>{none}</span>'
        f'<img alt="colour scale" src="data:image/png;base64,{strip}"><span>{strong}</span><span>{scale}</span></div>'
    )
