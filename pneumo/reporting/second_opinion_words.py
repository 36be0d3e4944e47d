"""The second opinion in sentences: the page, the command line and the report say the same."""

from collections import Counter
from collections.abc import Sequence

from pneumo.errors import DataError
from pneumo.inference.finding import Reading
from pneumo.inference.lung_checks import RESTS_ON_LUNGS, HeatShare, Occlusion
from pneumo.inference.second_opinion import SecondOpinion, Stability, Vote
from pneumo.inference.similar_cases import SimilarCase
from pneumo.reporting.evaluated import read_robustness
from pneumo.reporting.finding_words import in_words

NO_REFERENCE = "Not measured: this model has no stored train pictures to compare with."

_OPPOSITE = {"NORMAL": "PNEUMONIA", "PNEUMONIA": "NORMAL"}  # an indeterminate answer has nothing to disagree with
CALM = "none of the checks that could be made spoke against the answer"


def rows(
    opinion: SecondOpinion, votes: Sequence[Vote], reading: Reading, usual: float | None = None
) -> tuple[tuple[str, str], ...]:
    """(name, what was found and what it means) of the five checks; `usual` as of `usual_when_hidden`."""
    return (
        ("Small changes", stability_sentence(opinion.stability, reading)),
        ("Lungs hidden", occlusion_sentence(opinion.occlusion, reading) + _usual_sentence(opinion.occlusion, reading, usual)),
        ("Heat", heat_sentence(opinion.heat)),
        ("Models", votes_sentence(votes, reading)),
        ("Similar cases", similar_sentence(opinion.similar)),
    )  # fmt: skip


def warnings(opinion: SecondOpinion, votes: Sequence[Vote], reading: Reading) -> tuple[str, ...]:
    """What speaks against relying on the answer, the gravest first."""
    found = []
    if opinion.occlusion.alarms(reading.high):
        found.append(f"The score stays at {in_words(opinion.occlusion.hidden)} with the lungs hidden: do not trust it.")
    if turned := opinion.stability.turned(reading):
        give = _verb(turned, "give")
        found.append(
            f"Small changes to the picture turn the answer: {turned} of {len(opinion.stability.changed)} {give} another verdict."
        )
    if reading.verdict in _OPPOSITE:
        other = _OPPOSITE[reading.verdict]
        against = [each.model for each in votes if each.verdict == other]
        if against:
            say = _verb(len(against), "say")
            found.append(f"The models disagree: {len(against)} of {len(votes)} {say} {other} ({', '.join(against)}).")
        unlike = sum(case.label == other for case in opinion.similar)
        if unlike > len(opinion.similar) / 2:
            found.append(f"Of the {len(opinion.similar)} most similar train pictures, {unlike} are {other}.")
    if any(case.same for case in opinion.similar):
        found.append("The model learned from this very picture or a copy of it: its answer here proves nothing.")
    return tuple(found)


def report_row(opinion: SecondOpinion, votes: Sequence[Vote], reading: Reading) -> tuple[str, str]:
    """(label, text) for the one-page report: what speaks against the answer, or that nothing did."""
    return "Second opinion", " ".join(warnings(opinion, votes, reading)) or CALM


def stability_sentence(found: Stability, reading: Reading) -> str:
    low, high, count = in_words(found.lowest), in_words(found.highest), len(found.changed)
    span = f"The score stays at {low}" if low == high else f"The score goes from {low} to {high}"
    turned = found.turned(reading)
    end = f"{turned} of them {_verb(turned, 'give')} another verdict" if turned else f"the answer stays {reading.verdict}"
    return f"{span} over {count} changes that a reader would not mind (mirrored, moved, turned, exposure, blur, JPEG); {end}."


def occlusion_sentence(found: Occlusion, reading: Reading) -> str:
    if found.reason:
        return f"Not measured: {found.reason}"
    before, after = in_words(found.unchanged), in_words(found.hidden)
    start = f"The score is {before} as it is, {after} with the lungs painted over in the grey around them."
    threshold = (
        reading.high if reading.verdict == "PNEUMONIA" else reading.low if reading.verdict == "NORMAL" else reading.threshold
    )
    moves, same = found.moved(threshold) >= RESTS_ON_LUNGS, found.same_side(threshold)
    if moves:
        return f"{start} The answer rests on what the lungs show" + (", though not on that alone." if same else ".")
    if not same:
        return f"{start} The answer is so near the threshold that little turns it."
    if reading.verdict != "NORMAL":
        return f"{start} The answer hardly rests on what the lungs show."
    return f"{start} A NORMAL that stays one says little: there was no finding to hide."


def usual_when_hidden(model: str) -> float | None:
    """The mean probability this model gives healthy children whose lungs are hidden; None where nobody measured it."""
    try:
        found = (read_robustness(model) or {}).get("lungs_hidden", {}).get("mean_probability_healthy")
    except DataError:
        return None
    return found if isinstance(found, float) else None


def _usual_sentence(found: Occlusion, reading: Reading, usual: float | None) -> str:
    """What the cover alone does to this model: grey fields may look like disease to it."""
    if found.reason or usual is None:
        return ""
    said = f" Healthy children with hidden lungs get {in_words(usual)} from this model on average"
    if usual < reading.high:
        return f"{said}."
    return f"{said}: it calls nearly any picture without lungs PNEUMONIA, which is a weakness of the model."


def heat_sentence(found: HeatShare) -> str:
    if found.reason:
        return f"Heat in the lungs not measured: {found.reason}"
    return (
        f"{100 * found.in_lungs:.0f} % of the heat lies in the lungs, "
        f"which take {100 * found.area_of_lungs:.0f} % of what the model is shown."
    )


def votes_sentence(votes: Sequence[Vote], reading: Reading) -> str:
    if len(votes) < 2:
        return "Not measured: there is no other model to ask."
    agree = sum(each.verdict == reading.verdict for each in votes)
    each = ", ".join(f"{each.model} {each.verdict} {in_words(each.probability)}" for each in votes)
    return (
        f"{agree} of {len(votes)} models {_verb(agree, 'say')} {reading.verdict}, each by its own zones ({each}). "
        "They learned from the same pictures and can be wrong together."
    )


def similar_sentence(found: Sequence[SimilarCase]) -> str:
    if not found:
        return NO_REFERENCE
    kinds = Counter(case.subtype for case in found if case.label == "PNEUMONIA" and case.subtype != "none")
    told = f" ({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))})" if kinds else ""
    sick = sum(case.label == "PNEUMONIA" for case in found)
    verb = "is" if sick == 1 else "are"
    return (
        f"Of the {len(found)} most similar train pictures, {sick} {verb} PNEUMONIA{told}. "
        "Similar in the eyes of this model, so they share its blind spots."
    )


def _verb(count: int, plural: str) -> str:
    return f"{plural}s" if count == 1 else plural
