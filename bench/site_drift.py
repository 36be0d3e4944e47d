"""Do the control charts of `pneumo monitor` detect a changed frame on real pictures, without false alarms?

python bench/site_drift.py DATA MODEL [--split validation] [--images 400] [--runs 20]

Pictures of one part are answered and measured, unchanged and with 12 % cropped at each edge. Then departments are simulated: 500
random cases, 40 a week, unchanged; and the same with every case cropped from the ninth week on. Prints how many unchanged runs
raised an alarm (goal: none of 20), and after how many cases the change was detected (goal: within 50). With --split test this is a
look at test: write it into the ledger.
"""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.lung_masks import original_sizes
from pneumo.data.records import folder_of
from pneumo.errors import LungsNotFound
from pneumo.evaluation.likelihood import posterior, stated_prevalence
from pneumo.evaluation.operating_point import zone
from pneumo.imaging.measures import Measures
from pneumo.imaging.perturbations import crop
from pneumo.imaging.radiograph import ImageFacts
from pneumo.inference.gate import REJECT, check
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.measured import measure_image
from pneumo.inference.predictor import Predictor
from pneumo.paths import models_dir
from pneumo.record.case import PASS, WARN, RecordedCase, Refused, timestamp
from pneumo.site.watch import watch_model
from pneumo.studies.assess import records_of

CASES, A_WEEK, CHANGED_FROM = 500, 40, 8 * 40
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
Entry = tuple[float, str, Measures] | None  # log ratio, gate, measures; None: refused


def measure(predictor: Predictor, finder: LungFinder, image: np.ndarray, size: tuple[int, int]) -> Entry:
    """The record's entry for one picture."""
    facts = ImageFacts("JPEG", *size, 8, 1)
    try:
        answer = predictor.answer(image)
    except LungsNotFound:
        return None
    gate = check(facts, image, answer.features, predictor.reference)
    if gate.outcome == REJECT:
        return None
    return answer.log_ratio, WARN if gate.reasons else PASS, measure_image(image, facts, answer.features, predictor, finder)


def play(
    predictor: Predictor, usual: list[Entry], changed: list[Entry], rng: np.random.Generator, changed_from: int | None
) -> tuple[list[RecordedCase], list[Refused]]:
    """Simulate a department's record."""
    card, cases, refused = predictor.card, [], []
    for number, place in enumerate(rng.integers(len(usual), size=CASES)):
        moment = timestamp(START + timedelta(weeks=number // A_WEEK, hours=number % A_WEEK))
        entry = (changed if changed_from is not None and number >= changed_from else usual)[place]
        if entry is None:
            refused.append(Refused("s", f"{number:064x}", card.id, card.sha256, "rejected", moment))
            continue
        ratio, gate, measures = entry
        called = "PNEUMONIA" if ratio >= card.cuts["balanced"] else "NORMAL"
        probability = float(posterior(ratio, stated_prevalence()))
        where = str(zone(ratio, card.cuts))
        cases.append(
            RecordedCase(
                "s",
                f"{number:064x}",
                card.id,
                card.sha256,
                probability,
                "balanced",
                0.5,
                called,
                where,
                gate,
                (),
                measures,
                id=str(number),
                created=moment,
                salt="",
            )
        )
    return cases, refused


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("model")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    predictor = Predictor.load(options.model)
    finder = predictor.finder or LungFinder.load()
    records = records_of(options.data, options.split, models_dir() / options.model / "split.csv")
    drawn = np.random.default_rng(0).permutation(len(records))[: options.images]
    records = [records[place] for place in sorted(drawn)]
    images = cached_images(folder_of(options.data), [record.path for record in records])[np.arange(len(records))]
    sizes = [original_sizes().get(record.path, (1200, 1000)) for record in records]
    usual = [measure(predictor, finder, image, size) for image, size in zip(images, sizes, strict=True)]
    changed = [measure(predictor, finder, crop(image, 0.12), size) for image, size in zip(images, sizes, strict=True)]
    print(f"{len(records)} pictures of {options.split}: {usual.count(None)} refused as they are, {changed.count(None)} cropped")
    false_alarms, after = [], []
    for run in range(options.runs):
        rng = np.random.default_rng(run)
        watched = watch_model(*play(predictor, usual, changed, rng, None), predictor.card.id, predictor.card.sha256)
        false_alarms += [(run, alarm.key) for alarm in watched.alarms]
        cases, refused = play(predictor, usual, changed, np.random.default_rng(run), CHANGED_FROM)
        watched = watch_model(cases, refused, predictor.card.id, predictor.card.sha256)
        begun = START + timedelta(weeks=CHANGED_FROM // A_WEEK)
        first = min((alarm.seen for alarm in watched.alarms if alarm.seen >= begun), default=None)
        moments = sorted([case.created for case in cases] + [each.created for each in refused])
        after.append(None if first is None else sum(timestamp(begun) <= moment <= timestamp(first) for moment in moments))
        print(
            f"run {run}: cropped frame found after {after[-1]} cases by {sorted(alarm.key for alarm in watched.alarms)}", flush=True
        )
    print(f"undisturbed runs with an alarm: {len({run for run, _ in false_alarms})} of {options.runs} {false_alarms}")
    print(
        f"cases until the change was found: at most {max((n for n in after if n is not None), default=None)}, "
        f"not found in {after.count(None)}"
    )


if __name__ == "__main__":
    main()
