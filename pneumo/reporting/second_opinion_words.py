"""The second opinion in sentences, shared by the page, the command line and the report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pneumo.errors import ModelError
from pneumo.evaluation.cautions import CHANGES, HEAT, HIDDEN, MODELS, SIMILAR, CautionRate
from pneumo.evaluation.likelihood import posterior
from pneumo.imaging.radiograph import SYNTHETIC, ImageFacts
from pneumo.inference import caution_scores as scores
from pneumo.inference.finding import Reading
from pneumo.inference.lung_checks import RESTS_ON_LUNGS, HeatShare, Occlusion
from pneumo.inference.second_opinion import SecondOpinion, SimilarCase, Stability, Vote
from pneumo.registry.model_folder import ModelFolder
from pneumo.reporting.finding_words import in_words

NO_REFERENCE = "Not measured: this model has no stored train pictures to compare with."

Rates = Mapping[str, CautionRate]  # by name of the check; empty: not measured
SECOND_OPINION = "Second opinion"
CALM = "none of the checks that could be made spoke against the answer"


def rows(
    opinion: SecondOpinion, votes: Sequence[Vote], reading: Reading, usual: float | None = None, left_out: int = 0
) -> tuple[tuple[str, str], ...]:
    """(name, result in words) of the five checks; `usual` from `usual_when_hidden`, `left_out`: models that do not vote."""
    return (
        ("Small changes", stability_sentence(opinion.stability, reading)),
        ("Lungs hidden", occlusion_sentence(opinion.occlusion, reading) + _usual_sentence(opinion.occlusion, reading, usual)),
        ("Heat", heat_sentence(opinion.heat)),
        ("Models", votes_sentence(votes, reading, left_out)),
        ("Similar cases", similar_sentence(opinion.similar)),
    )


@dataclass(frozen=True)
class Caution:
    """A reason not to rely on an answer."""

    title: str
    sentence: str


def cautions(opinion: SecondOpinion, votes: Sequence[Vote], reading: Reading, rates: Rates) -> tuple[Caution, ...]:
    """Of all checks, the most serious first. `rates` from `read_cautions` hold the threshold of each."""
    return (
        *hidden_caution(opinion.occlusion, reading, rates),
        *changes_caution(opinion.stability, reading, rates),
        *models_caution(votes, reading, rates),
        *similar_caution(opinion.similar, reading, rates),
        *heat_caution(opinion.heat, reading, rates),
        *copy_caution(opinion.similar),
    )


def hidden_caution(occlusion: Occlusion, reading: Reading, rates: Rates) -> tuple[Caution, ...]:
    sentence = f"The score stays at {in_words(occlusion.hidden)} with the lungs hidden: the answer does not need them."
    return _caution(HIDDEN, "Does not need the lungs", sentence, scores.hidden_score(occlusion, reading), reading, rates)


def changes_caution(stability: Stability, reading: Reading, rates: Rates) -> tuple[Caution, ...]:
    turned = stability.turned(reading)
    give = _verb(turned, "give")
    sentence = f"Small changes to the picture turn the answer: {turned} of {len(stability.changed)} {give} another verdict."
    return _caution(CHANGES, "Unsteady", sentence, scores.changes_score(stability, reading), reading, rates)


def models_caution(votes: Sequence[Vote], reading: Reading, rates: Rates) -> tuple[Caution, ...]:
    against = [vote.model for vote in scores.against_of(votes, reading)]
    say, other = _verb(len(against), "say"), scores.OPPOSITE.get(reading.verdict)
    sentence = f"The models disagree: {len(against)} of {len(votes)} {say} {other} ({', '.join(against)})."
    return _caution(MODELS, "Models disagree", sentence, scores.models_score(votes, reading), reading, rates)


def similar_caution(cases: Sequence[SimilarCase], reading: Reading, rates: Rates) -> tuple[Caution, ...]:
    unlike, other = scores.unlike_of(cases, reading), scores.OPPOSITE.get(reading.verdict)
    sentence = f"Of the {len(cases)} most similar train pictures, {unlike} are {other}."
    return _caution(SIMILAR, "Similar cases differ", sentence, scores.similar_score(cases, reading), reading, rates)


def heat_caution(heat: HeatShare, reading: Reading, rates: Rates) -> tuple[Caution, ...]:
    sentence = f"The heat lies outside the lungs more than by chance. {heat_sentence(heat)}"
    return _caution(HEAT, "Heat outside the lungs", sentence, scores.heat_score(heat, reading), reading, rates)


def copy_caution(cases: Sequence[SimilarCase]) -> tuple[Caution, ...]:
    """A fact, so it has no rate."""
    if not any(case.same for case in cases):
        return ()
    sentence = "The model learned from this very picture or a copy of it: its answer here proves nothing."
    return (Caution("Learned from", sentence),)


def age_caution(facts: ImageFacts) -> tuple[Caution, ...]:
    """A fact, so it has no rate. Not for a generated phantom, which has no age."""
    if facts.patient_age or SYNTHETIC in facts.notes:
        return ()
    sentence = "The file does not say how old the patient is; the model knows children of 1 to 5 years alone."
    return (Caution("Age unknown", sentence),)


def _caution(name: str, title: str, sentence: str, score: float, reading: Reading, rates: Rates) -> tuple[Caution, ...]:
    rate = rates.get(name)
    if score != score or (rate and not rate.fires(reading.verdict, score)):
        return ()
    return (Caution(title, f"{sentence} {_rate_sentence(rate)}" if rate else sentence),)


def _rate_sentence(rate: CautionRate) -> str:
    """How often the caution accompanies right and wrong answers, without undefined shares."""
    shares = [
        f"{_percent(figure['value'])} % of the {kind} answers ({_percent(figure['low'])} to {_percent(figure['high'])} %)"
        for kind, figure in (("right", rate.right), ("wrong", rate.wrong))
        if figure["value"] is not None
    ]
    return f"On held-out X-rays this was said of {' and of '.join(shares)}." if shares else ""


def _percent(share: float | None) -> str:
    return "?" if share is None else f"{100 * share:.0f}"


def caution_text(shown: Sequence[Caution]) -> str:
    """The sentences of cautions, for the one-page report."""
    return " ".join(caution.sentence for caution in shown)


def stability_sentence(stability: Stability, reading: Reading) -> str:
    low, high, count = in_words(stability.lowest), in_words(stability.highest), len(stability.changed)
    span = f"The score stays at {low}" if low == high else f"The score goes from {low} to {high}"
    turned = stability.turned(reading)
    end = f"{turned} of them {_verb(turned, 'give')} another verdict" if turned else f"the answer stays {reading.verdict}"
    return f"{span} over {count} changes that a reader would not mind (mirrored, moved, turned, exposure, blur, JPEG); {end}."


def occlusion_sentence(occlusion: Occlusion, reading: Reading) -> str:
    if occlusion.reason:
        return f"Not measured: {occlusion.reason}"
    before, after = in_words(occlusion.unchanged), in_words(occlusion.hidden)
    start = f"The score is {before} as it is, {after} with the lungs painted over in the grey around them."
    threshold = (
        reading.high if reading.verdict == "PNEUMONIA" else reading.low if reading.verdict == "NORMAL" else reading.threshold
    )
    moves, same = occlusion.moved(threshold) >= RESTS_ON_LUNGS, occlusion.same_side(threshold)
    if moves:
        return f"{start} The answer rests on what the lungs show" + (", though not on that alone." if same else ".")
    if not same:
        return f"{start} The answer is so near the threshold that little turns it."
    if reading.verdict != "NORMAL":
        return f"{start} The answer hardly rests on what the lungs show."
    return f"{start} A NORMAL that stays one says little: there was no finding to hide."


def usual_when_hidden(model: str) -> float | None:
    """The median log likelihood ratio of this model for healthy children with hidden lungs; None if not measured.

    Older files hold only a mean probability at an unknown prevalence, which cannot be used.
    """
    try:
        median = (ModelFolder.of(model).robustness() or {}).get("lungs_hidden", {}).get("median_log_ratio_healthy")
    except ModelError:
        return None
    return median if isinstance(median, float) else None


def _usual_sentence(occlusion: Occlusion, reading: Reading, usual: float | None) -> str:
    """The usual answer for a healthy child with hidden lungs: the grey cover itself may look like disease."""
    if occlusion.reason or usual is None:
        return ""
    probability = float(posterior(usual, reading.prevalence))
    sentence = f" A healthy child with hidden lungs gets {in_words(probability)} from this model (median)"
    if probability < reading.high:
        return f"{sentence}."
    return f"{sentence}: it calls nearly any picture without lungs PNEUMONIA, which is a weakness of the model."


def heat_sentence(heat: HeatShare) -> str:
    if heat.reason:
        return f"Heat in the lungs not measured: {heat.reason}"
    return (
        f"{100 * heat.in_lungs:.0f} % of the heat lies in the lungs, "
        f"which take {100 * heat.area_of_lungs:.0f} % of what the model is shown."
    )


def votes_sentence(votes: Sequence[Vote], reading: Reading, left_out: int = 0) -> str:
    """`left_out`: how many models do not vote, as no known key signed them."""
    who = "1 model is" if left_out == 1 else f"{left_out} models are"
    unsigned = f" {who} left out: not signed by a known key." if left_out else ""
    if len(votes) < 2:
        return f"Not measured: there is no other model to ask.{unsigned}"
    agree = sum(each.verdict == reading.verdict for each in votes)
    each = ", ".join(f"{each.model} {each.verdict} {in_words(each.probability)}" for each in votes)
    return (
        f"{agree} of {len(votes)} models {_verb(agree, 'say')} {reading.verdict}, each by its own zones ({each}). "
        f"They learned from the same pictures and can be wrong together.{unsigned}"
    )


def similar_sentence(cases: Sequence[SimilarCase]) -> str:
    if not cases:
        return NO_REFERENCE
    kinds = Counter(case.subtype for case in cases if case.label == "PNEUMONIA" and case.subtype != "none")
    kinds_text = f" ({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))})" if kinds else ""
    sick = sum(case.label == "PNEUMONIA" for case in cases)
    verb = "is" if sick == 1 else "are"
    return (
        f"Of the {len(cases)} most similar train pictures, {sick} {verb} PNEUMONIA{kinds_text}. "
        "Similar in the eyes of this model, so they share its blind spots."
    )


def _verb(count: int, plural: str) -> str:
    return f"{plural}s" if count == 1 else plural
