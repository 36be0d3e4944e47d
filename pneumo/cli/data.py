"""`pneumo data`: download, check, split and audit a data set, or make a synthetic one."""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pneumo.cli.commands import Commands, Run, add_command
from pneumo.data.records import scan
from pneumo.data.split import near_duplicates, split_records, write_manifest
from pneumo.errors import DataError, ModelError
from pneumo.outgoing import json_text, printable

if TYPE_CHECKING:
    from pneumo.data.download import Progress
    from pneumo.data.lung_masks import LungSource


def add(commands: Commands) -> None:
    data = commands.add_parser("data", help="data sets").add_subparsers(dest="action", required=True)

    def action(name: str, run: Run, help: str) -> argparse.ArgumentParser:
        parser = add_command(data, name, run, help)
        parser.add_argument("dir", type=Path, metavar="DIR")
        return parser

    download = action("download", _download, "download the public set into DIR; resumes an interrupted download")
    download.add_argument("--source", choices=("mendeley", "kaggle"), default="mendeley")
    download.add_argument("--sha256", help="checksum of the archive, if the publisher's listing is not available")
    action("masks", _masks, "download V7 Labs' lung masks of the public set into DIR, to train the lung segmenter")
    check = action("check", _check, "list the contents of DIR and every problem; exit 1 if there is one")
    check.add_argument("--output", type=Path, help="also write the catalog as CSV")
    audit = action("audit", _audit, "balance, frame, duplicates, leakage and shortcuts of DIR, as Markdown")
    masks = "lung masks drawn by people (data masks) instead of the segmenter"
    audit.add_argument("--masks", type=Path, metavar="FOLDER", help=masks)
    audit.add_argument("--output", type=Path, metavar="FILE", help="also write everything as JSON")
    split = action("split", _split, "write the patient-disjoint split of DIR as CSV")
    split.add_argument("--seed", type=int, default=0)
    split.add_argument("--output", type=Path, default=Path("split.csv"))
    phantom = action("phantom", _phantom, "make a small synthetic set in the usual layout")
    phantom.add_argument("--patients", type=int, default=24, help="patients of each kind (normal, bacterial, viral) in train")
    phantom.add_argument("--seed", type=int, default=0)


def _download(options: argparse.Namespace) -> None:
    from pneumo.data.download import download_dataset, kaggle

    if options.source == "kaggle":
        print(kaggle(options.dir))
    else:
        print(download_dataset(options.dir, on_progress=_show, sha256=options.sha256))


def _masks(options: argparse.Namespace) -> int:
    from pneumo.data.lung_masks import FILE
    from pneumo.data.lung_masks_download import LICENCE, ORIGIN, download_masks

    downloaded = download_masks(options.dir, on_progress=_show)
    for image in downloaded.left_out:
        print(f"left out\t{image.path}\t{image.reason}")
    print(f"{options.dir / FILE}\t{len(downloaded.masks)} lung masks")
    print(f"source\t{ORIGIN}\nlicence\t{LICENCE}")
    return 1 if downloaded.left_out else 0


def _check(options: argparse.Namespace) -> int:
    """Decode every file with the decoder that serving uses, and cache the result."""
    from pneumo.data.cache import cached_images
    from pneumo.data.catalog import make_catalog, write_catalog

    dataset = make_catalog(options.dir, _counter("looked at"))
    problems = list(dataset.problems)
    try:
        cached_images(dataset.root, [entry.record.path for entry in dataset.entries], on_progress=_counter("decoded"))
    except DataError as error:
        problems += str(error).splitlines()[1:]
    for (split, label), count in dataset.counts().items():
        print(f"{split}\t{label}\t{count}")
    print(f"patients\t{len({entry.record.patient for entry in dataset.entries})}")
    public = "all images by class and folder, as published" if dataset.is_public_set() else "other counts than published"
    print(f"public set\t{public}")
    for problem in problems:
        print(f"problem\t{printable(problem)}")
    if options.output:
        write_catalog(options.output, dataset)
    return 1 if problems else 0


def _audit(options: argparse.Namespace) -> None:
    from pneumo.data.audit import audit_dataset, audit_to_dict
    from pneumo.data.audit_report import audit_markdown

    audited = audit_dataset(options.dir, _counter("read"), _lungs(options.masks))
    print(audit_markdown(audited))
    if options.output:
        options.output.write_text(json_text(audit_to_dict(audited), indent=1) + "\n", encoding="utf-8")


def _lungs(masks: Path | None) -> "LungSource | None":
    """The given masks, else the segmenter's; None, with a message on standard error, if the segmenter does not load."""
    from pneumo.data.lung_masks import outlined_lungs, read_masks
    from pneumo.studies.segmented_lungs import segmenter

    try:
        return outlined_lungs(read_masks(masks)) if masks else segmenter()
    except ModelError as error:
        print(f"{error} The audit goes on without the frame.", file=sys.stderr)
        return None


def _split(options: argparse.Namespace) -> None:
    records = scan(options.dir)
    parts = split_records(records, near_duplicates(options.dir, records), options.seed)
    print(f"{printable(str(options.output))}\t{write_manifest(options.output, records, parts)}")
    for part, count in sorted(Counter(parts.values()).items()):
        print(f"{part}\t{count}")
    if folded := sum(record.split == "val" for record in records):
        print(f"note\tthe {folded} images of the val folder are divided with train: too few to choose anything by")


def _phantom(options: argparse.Namespace) -> None:
    from pneumo.synthetic.phantom import write_set

    print(f"{write_set(options.dir, options.patients, options.seed)} synthetic images in {options.dir}")


def _counter(activity: str) -> Callable[[int, int], None]:
    def show(done: int, total: int) -> None:
        if done % 1000 == 0 or done == total:
            print(f"{activity} {done} of {total}", file=sys.stderr)

    return show


def _show(progress: "Progress") -> None:
    """One line on standard error, overwritten each time."""
    share = f"{100 * progress.done / progress.total:.0f} %" if progress.total else f"{progress.done / 2**20:.0f} MB"
    left = f", {progress.seconds_left:.0f} s left" if math.isfinite(progress.seconds_left) else ""
    speed = f", {progress.bytes_per_second / 2**20:.1f} MB/s" if math.isfinite(progress.bytes_per_second) else ""
    print(f"\r{progress.stage} {share}{speed}{left}    ", end="", file=sys.stderr, flush=True)
