"""The second opinion beside an answer: requested by a button, stored only with its case in the session."""

import base64
from html import escape
from pathlib import PurePosixPath

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo.data.cache import cached_images
from pneumo.data.records import folder_of
from pneumo.errors import DataError, ModelError, PneumoError
from pneumo.imaging.decoding.decode import decode_image, image_bytes
from pneumo.imaging.overlay import fit_within, grey_picture, png
from pneumo.inference.finding import Terms
from pneumo.inference.lung_checks import HeatShare, Lungs, heat_in_lungs, lungs_of
from pneumo.inference.predictor import Predictor
from pneumo.inference.second_opinion import SecondOpinion, SimilarCase, Vote, compute_second_opinion, similar_to, vote
from pneumo.outgoing import markdown
from pneumo.paths import data_dir
from pneumo.registry.models import read_card
from pneumo.registry.voting import voters
from pneumo.reporting import second_opinion_words as words
from pneumo.reporting.evaluated import read_cautions
from pneumo.ui.diagnose.viewer_data import SimilarPicture
from pneumo.ui.shell import models
from pneumo.ui.shell.state import Case, key_of, pending

COMPARED, _COMPARED_SIDE = 3, 1024  # similar pictures in the viewer; pixels, longer side
_HELP = "Small changes, hidden lungs, the other models, similar train pictures. Takes a few seconds."


def show_button(case: Case, predictor: Predictor) -> None:
    """Drawn until it was pressed for this X-ray and this model."""
    if key_of(predictor.card) not in case.opinions:
        st.button("Second opinion", key="second_opinion", on_click=_ask, args=(case, predictor), help=_HELP)
    for problem in case.unasked:
        st.caption(f"Not asked: {markdown(problem)}")


def ask_other_models(case: Case, predictor: Predictor) -> bool:
    """Let the other models read the X-ray, once and only when no file waits to be read. Returns whether they did.

    It takes a second, so call it after the page is drawn. A click meanwhile ends this run, and the next one asks.
    """
    if case.others_asked or pending():
        return False
    _ask_others(case, predictor)
    return True


def show_chips(place: DeltaGenerator, case: Case, predictor: Predictor, terms: Terms) -> None:
    """The known cautions about the answer, for under the verdict."""
    cautions = known_cautions(case, predictor, terms)
    no_caution = key_of(predictor.card) in case.opinions and not cautions
    all_cautions = (*cautions, *words.age_caution(case.display()[1]))
    chips = "".join(f'<p class="chip"><b>{escape(caution.title)}</b> {escape(caution.sentence)}</p>' for caution in all_cautions)
    calm_line = f'<p class="quiet">Second opinion: {words.CALM}.</p>' if no_caution else ""
    place.html(f'<div class="chips">{calm_line}{chips}</div>')


def known_cautions(case: Case, predictor: Predictor, terms: Terms) -> tuple[words.Caution, ...]:
    """From all checks once there is a second opinion, before that from those that need no further pass of this model."""
    reading, votes = case.reading(predictor, terms), votes_of(case, predictor, terms)
    rates = read_cautions(predictor.card.id)
    if opinion := _opinion(case, predictor, terms):
        return words.cautions(opinion, votes, reading, rates)
    return (
        *words.models_caution(votes, reading, rates),
        *words.heat_caution(heat_of(case, predictor), reading, rates),
        *words.copy_caution(similar_to(case.answer(predictor), predictor)),
    )


def show(case: Case, predictor: Predictor, terms: Terms) -> None:
    """Once it was requested: five rows and the similar train pictures."""
    opinion = _opinion(case, predictor, terms)
    if opinion is None:
        return
    usual = words.usual_when_hidden(predictor.card.id)
    reading, votes = case.reading(predictor, terms), votes_of(case, predictor, terms)
    left_out = voters().left_out_beside(predictor.card.id)
    st.html(_rows_html(words.rows(opinion, votes, reading, usual, left_out)))
    if opinion.similar:
        st.html(_similar_html(opinion.similar, train_pictures([similar.file for similar in opinion.similar])))


def heat_of(case: Case, predictor: Predictor) -> HeatShare:
    """The share of heat inside the lungs, measured at most once."""
    key = key_of(predictor.card)
    if key not in case.heat:
        case.heat[key] = heat_in_lungs(case.answer(predictor), predictor.card, lungs_in(case))
    return case.heat[key]


def report_rows(case: Case, predictor: Predictor, terms: Terms) -> tuple[tuple[str, str], ...]:
    """(label, text) for the report: the cautions; after a second opinion also that there is none."""
    cautions = words.caution_text(known_cautions(case, predictor, terms))
    if key_of(predictor.card) in case.opinions:
        return ((words.SECOND_OPINION, cautions or words.CALM),)
    return (("Cautions", cautions),) if cautions else ()


def lungs_in(case: Case) -> Lungs:
    """The lung fields of this X-ray, segmented once."""
    if case.lungs is None:
        assert case.canonical is not None, "expected a file that was read"
        try:
            case.lungs = lungs_of(case.canonical, models.lung_finder())
        except ModelError as error:
            case.lungs = Lungs(None, str(error))
    return case.lungs


def votes_of(case: Case, predictor: Predictor, terms: Terms) -> list[Vote]:
    """Of the answering model and of the others that vote and answered for this X-ray, the default model first."""
    cards = [read_card(model) for model in _asked(predictor)]
    findings = ((card, case.findings.get(key_of(card))) for card in cards)
    return [vote(card, finding.answer.log_ratio, terms) for card, finding in findings if finding and finding.answer]


def train_pictures(files: list[str]) -> dict[str, np.ndarray]:
    """uint8 (224, 224) of those `files` that PNEUMO_DATA_DIR holds; none of them where one cannot be read."""
    root = folder_of(data_dir())
    present = [file for file in files if (root / file).is_file()]
    try:
        images = cached_images(root, present)
        return {file: images[index] for index, file in enumerate(present)}
    except DataError:
        return {}


def similar_pictures(similar: tuple[SimilarCase, ...]) -> list[SimilarPicture]:
    """The nearest that PNEUMO_DATA_DIR holds and that can be read, COMPARED at most."""
    root, pictures = folder_of(data_dir()), []
    for case in similar:
        try:
            pixels = fit_within(decode_image(image_bytes(root / case.file)).pixels, _COMPARED_SIDE)
        except PneumoError:
            continue
        label = case.label if case.subtype == "none" else f"{case.label} {case.subtype}"
        pictures.append(SimilarPicture(PurePosixPath(case.file).stem, label, grey_picture(pixels)[..., 0]))
        if len(pictures) == COMPARED:
            break
    return pictures


def _opinion(case: Case, predictor: Predictor, terms: Terms) -> SecondOpinion | None:
    opinion = case.opinions.get(key_of(predictor.card))
    return opinion and opinion.at(terms.prevalence)


def _asked(predictor: Predictor) -> list[str]:
    """The usable models whose answers are compared, the default first: the answering one, and those that vote on it."""
    known = {predictor.card.id, *voters().others(predictor.card.id)}
    return [model for model in models.usable_models()[0] if model in known]


def _ask_others(case: Case, predictor: Predictor) -> None:
    """Let every model that votes answer for this X-ray; those that give no answer are named in `unasked`."""
    unasked = []
    for model in _asked(predictor):
        try:
            finding = case.finding_of(models.predictor(model))
            if finding.answer is None:
                unasked.append(f"{model} gives no answer: {finding.reasons[0]}")
        except ModelError as error:
            unasked.append(str(error))
    case.unasked, case.others_asked = unasked, True


def _ask(case: Case, predictor: Predictor) -> None:
    _ask_others(case, predictor)
    assert case.canonical is not None, "expected a file that was read"
    try:
        opinion = compute_second_opinion(case.canonical, predictor, case.answer(predictor), lungs_in(case))
        case.opinions[key_of(predictor.card)] = opinion
    except ModelError as error:
        case.unasked.append(str(error))


def _rows_html(rows: tuple[tuple[str, str], ...]) -> str:
    body = "".join(f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in rows)
    return f'<table class="figures opinion"><caption>Second opinion</caption>{body}</table>'


def _similar_html(cases: tuple[SimilarCase, ...], pictures: dict[str, np.ndarray]) -> str:
    figures = []
    for case in cases:
        name = PurePosixPath(case.file).stem
        picture = ""
        if case.file in pictures:
            data = base64.b64encode(png(grey_picture(pictures[case.file][::2, ::2] / 255.0))).decode()
            picture = f'<img alt="train picture {escape(name)}" src="data:image/png;base64,{data}">'
        kind = f" {escape(case.subtype)}" if case.subtype != "none" else ""
        label = f'<b class="{escape(case.label.lower())}">{escape(case.label)}</b>{kind}<br>{escape(name)}'
        figures.append(f"<figure>{picture}<figcaption>{label}<br>similar {case.similarity:.2f}</figcaption></figure>")
    return f'<div class="similar">{"".join(figures)}</div>'
