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
from pneumo.registry import ModelCard, default_model

OVERLAY_SIDE = 2048  # longer side of a saved overlay, at most
FIELDS = ("file", "sha256", "status", "reasons", "warnings", "label", "zone", "probability", "threshold",
          "operating_point", "subtype", "heatmap", "model", "model_sha256", "seconds")  # fmt: skip


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
        for path, finding in read_files(files_below(options.paths), predictor):
            row = fields(path, finding, predictor.card, point)
            if options.heatmap and finding.answer:
                row["heatmap"] = str(_save_overlay(options.heatmap, path, finding))
            write(row)
            if finding.status == "error":
                unread += 1
                print(f"{path}: {'; '.join(finding.reasons)}", file=sys.stderr)
    return 1 if unread else 0


def fields(path: str, finding: Finding, card: ModelCard, operating_point: str) -> dict[str, Any]:
    """A finding as the contract's flat JSON object."""
    row = dict.fromkeys(FIELDS)
    row.update(file=path, sha256=finding.sha256, status=finding.status, reasons=list(finding.reasons),
               warnings=list(finding.warnings), model=finding.model, model_sha256=finding.model_sha256,
               seconds=round(finding.seconds, 4))  # fmt: skip
    if finding.answer:
        reading = judge(finding.answer.probability, card, operating_point)
        row.update(label=reading.label, zone=reading.zone, probability=finding.answer.probability,
                   threshold=reading.threshold, operating_point=operating_point)  # fmt: skip
        bacterial = finding.answer.bacterial
        if reading.label == "PNEUMONIA" and bacterial is not None:  # of a child called healthy it says nothing
            row["subtype"] = {"bacterial": bacterial, "viral": 1 - bacterial}
    return row


def _save_overlay(folder: Path, path: str, finding: Finding) -> Path:
    """<stem>-<first 8 of the file's hash>.png: two files of one name never overwrite each other."""
    pixels = fit_within(finding.radiograph.pixels, OVERLAY_SIDE)
    picture = overlay_picture(grey_picture(pixels), finding.answer.heatmap.on_image(*pixels.shape), opacity=0.6)
    target = folder / f"{Path(path).stem}-{finding.sha256[:8]}.png"
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
    return lambda row: writer.writerow({key: _cell(value) for key, value in row.items()})


def _cell(value: Any) -> Any:
    """Lists joined by "; "; the subtype as the JSON text of the other format."""
    if isinstance(value, list):
        return "; ".join(value)
    return json.dumps(value) if isinstance(value, dict) else value


def _table_writer(stream: TextIO):
    print(f"{'label':10} {'probability':>11}  {'zone':13} file", file=stream)

    def write(row: dict[str, Any]) -> None:
        if row["status"] == "ok":
            print(f"{row['label']:10} {row['probability']:11.3f}  {row['zone']:13} {row['file']}", file=stream, flush=True)
        else:
            print(f"{row['status']:10} {'':11}  {'':13} {row['file']}: {'; '.join(row['reasons'])}", file=stream, flush=True)

    return write
