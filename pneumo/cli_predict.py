"""`python -m pneumo predict`: the contract's JSON fields, a CSV of the same, or a table for the eye."""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from pneumo.evaluation.operating_point import BALANCED
from pneumo.imaging.overlay import fit_within, grey_picture, overlay_picture, png
from pneumo.inference.batch import files_below, read_files
from pneumo.inference.finding import Finding, judge
from pneumo.inference.predictor import Predictor
from pneumo.inference.rows import FIELDS, csv_cells, fields
from pneumo.registry import default_model

OVERLAY_SIDE = 2048  # longer side of a saved overlay, at most


def run_predict(options: argparse.Namespace) -> int:
    """Exit code 0 when every file was read, 1 when at least one could not be."""
    predictor = Predictor.load(options.model or default_model())
    point = options.operating_point or BALANCED
    judge(0.5, predictor.card, point)  # an unknown operating point is wrong usage, told before any work
    if options.heatmap:
        options.heatmap.mkdir(parents=True, exist_ok=True)
    unread = 0
    with _output(options.output) as stream:
        write = {"json": _json_writer, "csv": _csv_writer, "table": _table_writer}[options.format](stream)
        for path, finding in read_files(files_below(options.paths), predictor, _tell_skipped):
            row = fields(path, finding, predictor.card, point)
            if options.heatmap and finding.answer:
                row["heatmap"] = str(_save_overlay(options.heatmap, path, finding))
            write(row)
            if finding.status == "error":
                unread += 1
                print(f"{path}: {'; '.join(finding.reasons)}", file=sys.stderr)
    return 1 if unread else 0


def _tell_skipped(archive: str, count: int) -> None:
    print(f"{archive}: {count} files in it are no images and were passed over", file=sys.stderr)


def _save_overlay(folder: Path, path: str, finding: Finding) -> Path:
    """<stem, at most 60 letters>-<first 8 of the file's hash>.png: two files of one name never overwrite each other."""
    pixels = fit_within(finding.radiograph.pixels, OVERLAY_SIDE)
    picture = overlay_picture(grey_picture(pixels), finding.answer.heatmap.on_image(*pixels.shape), opacity=0.6)
    target = folder / f"{Path(path).stem[:60]}-{finding.sha256[:8]}.png"
    target.write_bytes(png(picture))
    return target


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
    else:
        with open(path, "w", newline="", encoding="utf-8") as file:
            yield file


def _json_writer(stream: TextIO):
    return lambda row: print(json.dumps(row, ensure_ascii=False), file=stream, flush=True)


def _csv_writer(stream: TextIO):
    writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
    writer.writeheader()
    return lambda row: writer.writerow(csv_cells(row))


def _table_writer(stream: TextIO):
    print(f"{'label':10} {'probability':>11}  {'zone':13} file", file=stream)

    def write(row: dict[str, Any]) -> None:
        if row["status"] == "ok":
            print(f"{row['label']:10} {row['probability']:11.3f}  {row['zone']:13} {row['file']}", file=stream, flush=True)
        else:
            print(f"{row['status']:10} {'':11}  {'':13} {row['file']}: {'; '.join(row['reasons'])}", file=stream, flush=True)

    return write
