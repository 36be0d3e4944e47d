"""The audit of a data set as Markdown."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from math import isnan

from pneumo.data.audit import Audit
from pneumo.data.file_facts import QUANTITIES
from pneumo.data.frame import MEASURES, FrameAudit
from pneumo.data.separation import Estimate
from pneumo.outgoing import code, markdown, printable

LISTED = 20  # rows of a list in the report; the JSON holds all

_REPORT = """{images} images of {patients} patients.

## Images

{counts}

PNEUMONIA images for each NORMAL one: {balance}.
Accuracy hangs on this ratio; sensitivity and specificity do not, so compare splits by these two.

## How the pictures differ

{spreads}

Median (5th to 95th percentile); brightness (mean), contrast (deviation) and sharpness (mean vertical step) in grey levels of 255.
A column that differs between the classes is a hint that a network may take instead of the lungs.

## How the child stands in the frame

{frame}

## Duplicates

{likeness}

Alike means that 32 x 32 thumbnails correlate. A pair across train and test may be one child on both sides, which flatters the
test; a pair across classes is a wrong label or a chance resemblance. Look at the two before you believe either.{odd}

## Leaks and losses

Patients in more than one split, by file name: {shared}. Any number but 0 makes the test figures too good.{shared_list}

Files that cannot be read: {lost}. They are counted in the first table and stand in no other.{lost_list}

## Shortcuts

{shortcuts}

AUC of a linear model: 0.5 is guessing, 1 is certainty; 95 % interval by patient. Train: patients held out in turn. Test: learned on
all of train. What a row without lungs reaches, a network can reach that has learned no medicine.
"""


_NO_FRAME = "No lungs were looked for: there was no lung segmenter. `python -m pneumo models verify` says what is wrong with it."

_FRAME = """{table}

Medians, the lungs by {lungs}; AUC with its 95 % interval by patient, of each number as it is: nothing is fitted but the linear
model of the last row. A row far from 0.5 gives the class away without a pixel of lung; where it says more in train than in test, a
network that leans on it looks better in validation than it is.

{counts}
{notes}"""


def _frame(frame: FrameAudit) -> str:
    """A table of the measures and one of excluded images."""
    groups = [(count.split, count.label) for count in frame.counts]
    medians = {(s.quantity, s.split, s.label): f"{s.median:.3f}" for s in frame.spreads}
    sick = {measure.name: measure.sick for measure in MEASURES}
    names = [" ".join(group) for group in groups]
    hints = [
        (h.name, sick.get(h.name, ""), *(medians.get((h.name, *g), "") for g in groups), _interval(h.train), _interval(h.test))
        for h in frame.hints
    ]
    no_lungs = "no plausible lungs", *(f"{count.without_lungs} of {count.images}" for count in frame.counts)
    no_size = (f"{count.without_size} of {count.images}" for count in frame.counts)
    left_out = (no_lungs, ("original size not known, so without the rows that need it", *no_size))
    return _FRAME.format(
        lungs=frame.lungs,
        table=_table(("seen", "speaks for PNEUMONIA", *names, "AUC in train", "AUC in test"), hints),
        counts=_table(("left out", *names), left_out),
        notes=_list([f"{hint.name}: {hint.note}" for hint in frame.hints if hint.note]),
    )


def audit_markdown(audit: Audit) -> str:
    """The report as Markdown tables with explanations. Holds file names but no images."""

    def number(value: float) -> str:
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"

    ranges = defaultdict(list)
    for s in audit.spreads:
        ranges[s.split, s.label].append(f"{number(s.median)} ({number(s.low)} to {number(s.high)})")
    distinct = [pair for pair in audit.near if not pair.same_bytes]
    near, flags = f"pairs alike above {audit.threshold:g}", ("same_split", "same_label", "same_patient")
    groups = (("groups of identical files", audit.identical), (near, audit.near), ("of these pairs, not identical", distinct))
    likeness = [(name, len(pairs), *(sum(not getattr(each, flag) for each in pairs) for flag in flags)) for name, pairs in groups]
    odd = [match for match in (*audit.identical, *distinct) if not (match.same_split and match.same_label)]
    return _REPORT.format(
        images=audit.images,
        patients=audit.patients,
        shared=len(audit.patients_in_several_splits),
        lost=len(audit.unreadable),
        counts=_table(("split", "class", "kind", "images", "patients"), map(astuple, audit.counts)),
        balance=", ".join(f"{b.split} {b.ratio:.2f}" for b in audit.balance),
        spreads=_table(
            ("split", "class", *(name.replace("size_", "") for name in QUANTITIES)),
            [(*key, *cells) for key, cells in ranges.items()],
        ),
        frame=_frame(audit.frame) if audit.frame else _NO_FRAME,
        likeness=_table(("", "all", "across splits", "across classes", "across patients"), likeness),
        odd=("\n\nAcross splits or classes:" if odd else "")
        + _list([f"{', '.join(map(code, match.paths))}: {match.correlation:.3f}" for match in odd]),
        shared_list=_list([markdown(printable(name)) for name in audit.patients_in_several_splits]),
        lost_list=_list([f"{code(u.path)}: {markdown(u.reason)}" for u in audit.unreadable]),
        shortcuts=_table(
            ("seen", "that is", "AUC in train", "AUC in test", "note"),
            [(s.name, s.meaning, _interval(s.train), _interval(s.test), s.note) for s in audit.shortcuts],
        ),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(markdown(printable(str(cell))) for cell in line) + " |" for line in (head, *rows)]
    return "\n".join([lines[0], "|" + " --- |" * len(head), *lines[1:]])


def _list(lines: Sequence[str]) -> str:
    more = [f"- and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
    return "".join(f"\n{line}" for line in ["", *(f"- {line}" for line in lines[:LISTED]), *more]) if lines else ""


def _interval(estimate: Estimate) -> str:
    return "undefined" if isnan(estimate.value) else f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"
