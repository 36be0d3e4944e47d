"""`pneumo predict`: answers as JSON, as CSV with the same fields, or as a table."""

import argparse
import csv
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, redirect_stdout
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from pneumo.cli.commands import Commands, add_command, add_terms, predictor_and_terms, tell
from pneumo.errors import ConfigError
from pneumo.files import output_stem, sha256
from pneumo.imaging.decoding.pool import shared_pool
from pneumo.imaging.overlay import COLOUR_MAPS, fit_within, grey_picture, overlay_picture, png
from pneumo.inference.batch import files_below, read_files
from pneumo.inference.finding import Finding, Terms, judge
from pneumo.inference.heatmap import Heatmap
from pneumo.inference.manifest import Manifest, Row
from pneumo.inference.predictor import Predictor
from pneumo.inference.rows import FIELDS, csv_cells, fields
from pneumo.labels import Zone
from pneumo.outgoing import json_text, printable
from pneumo.paths import models_dir
from pneumo.registry.models import ModelCard
from pneumo.reporting.captioned import with_captions
from pneumo.reporting.finding_words import in_words

Engine = Callable[[Iterable[str]], Iterator[tuple[str, Finding]]]
OVERLAY_SIDE = 2048  # longer side of a saved overlay, at most


def add(commands: Commands) -> None:
    predict = add_command(commands, "predict", run, "answer for files, folders or zip archives of X-rays")
    predict.add_argument("paths", nargs="+", metavar="PATH")
    add_terms(predict)
    predict.add_argument("--format", choices=("table", "json", "csv"), default="table")
    predict.add_argument("--heatmap", type=Path, metavar="DIR", help="also write an overlay PNG of each answer")
    predict.add_argument("--output", type=Path, metavar="FILE", help="write to this file instead of standard output")
    predict.add_argument("--engine", choices=("local", "ray"), default="local", help="ray: many machines (docs/scale.md)")
    predict.add_argument("--ray-address", metavar="HOST:PORT", help="a Ray cluster's head node; default: a local Ray for this run")
    predict.add_argument("--manifest", type=Path, metavar="FILE", help="record finished files there, and skip them in the next run")


def run(options: argparse.Namespace) -> int:
    """Exit code 0 if every file was read, else 1."""
    if options.ray_address and options.engine != "ray":
        raise ConfigError("--ray-address names a cluster for --engine ray; the engine is local.")
    shared_pool().start()  # the decoding process starts while the model loads
    predictor, terms = predictor_and_terms(options)
    if options.heatmap:
        options.heatmap.mkdir(parents=True, exist_ok=True)

    def row_of(path: str, finding: Finding) -> Row:
        row = fields(path, finding, predictor.card, terms)
        if options.heatmap and finding.answer:
            row["heatmap"] = str(_overlay_path(options.heatmap, path, finding))
        return row

    unread, stream = 0, sys.stdout
    with ExitStack() as opened:
        engine = _engine(options, predictor, terms, opened)
        paths = files_below(options.paths, _tell_skipped)
        if options.manifest:
            asks = {
                "model": predictor.card.id,
                "model_sha256": predictor.card.sha256,
                "operating_point": terms.operating_point,
                "prevalence": terms.prevalence,
                **({"site_profile": predictor.profile.sha256} if predictor.profile else {}),
                "card_sha256": sha256(models_dir() / predictor.card.id / "card.json"),  # calibration, thresholds, gate
                "heatmap": options.heatmap and str(options.heatmap),
            }
            rows = opened.enter_context(Manifest(options.manifest, asks)).rows(paths, engine, row_of)
        else:
            rows = starmap(row_of, engine(paths))
        if options.output:  # last: nothing is overwritten if the rest cannot be opened
            stream = opened.enter_context(open(options.output, "w", newline="", encoding="utf-8"))
        write = {"json": _json_writer, "csv": _csv_writer, "table": _table_writer}[options.format](stream)
        for row in rows:
            write(row)
            if row["status"] == "error":
                unread += 1
                tell(f"{row['file']}: {'; '.join(row['reasons'])}")
    return 1 if unread else 0


def _engine(options: argparse.Namespace, predictor: Predictor, terms: Terms, opened: ExitStack) -> Engine:
    """The function that answers. It also writes the overlays, where the pixels are: with Ray, on the worker."""
    save_overlay = partial(_save_overlay, options.heatmap.resolve(), predictor.card, terms) if options.heatmap else None
    if options.engine == "ray":
        from pneumo.inference import ray_engine

        opened.enter_context(ray_engine.connected(options.ray_address))
        opened.enter_context(redirect_stdout(sys.stderr))  # Ray prints messages to standard output
        return partial(ray_engine.read_files_by_ray, predictor=predictor, on_skipped=_tell_skipped, on_finding=save_overlay)

    def read_here(paths: Iterable[str]) -> Iterator[tuple[str, Finding]]:
        for path, finding in read_files(paths, predictor, _tell_skipped):
            if save_overlay:
                save_overlay(path, finding)
            yield path, finding

    return read_here


def _tell_skipped(where: str, count: int) -> None:
    tell(f"{where}: {count} files in it are no images and were passed over")


def _overlay_path(folder: Path, path: str, finding: Finding) -> Path:
    return folder / f"{output_stem(path, finding.sha256)}.png"


def _save_overlay(folder: Path, card: ModelCard, terms: Terms, path: str, finding: Finding) -> None:
    if finding.answer is None or finding.radiograph is None:
        return
    overlay = overlay_of(finding.radiograph.pixels, finding.answer.heatmap)
    reading = judge(finding.answer.log_ratio, card, terms)
    _overlay_path(folder, path, finding).write_bytes(
        png(with_captions(overlay, reading, finding.model, finding.warnings, colour_map=COLOUR_MAPS[0]))
    )


def overlay_of(pixels: np.ndarray, heatmap: Heatmap) -> np.ndarray:
    """float32 (h, w) in [0, 1] -> uint8 (h, w, 3) with the heat over it, the longer side at most OVERLAY_SIDE."""
    small = fit_within(pixels, OVERLAY_SIDE)
    return overlay_picture(grey_picture(small), heatmap.on_image(*small.shape), opacity=0.6)


def _json_writer(stream: TextIO) -> Callable[[Row], object]:
    return lambda row: print(json_text(row), file=stream, flush=True)


def _csv_writer(stream: TextIO) -> Callable[[Row], object]:
    writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
    writer.writeheader()
    return lambda row: writer.writerow(csv_cells(row))


def _table_writer(stream: TextIO) -> Callable[[Row], object]:
    wide = max(len(zone.in_words) for zone in Zone)
    print(f"{'verdict':13} {'probability':>11}  {'zone':{wide}} file", file=stream)

    def write(row: dict[str, Any]) -> None:
        if row["status"] == "ok":
            lines = [f"{row['verdict']:13} {in_words(row['probability']):>11}  {Zone(row['zone']).in_words:{wide}} {row['file']}"]
            lines += [f"{'':13} {'':11}  {'warning':{wide}} {warning}" for warning in row["warnings"]]
        else:
            lines = [f"{row['status']:13} {'':11}  {'':{wide}} {row['file']}: {'; '.join(row['reasons'])}"]
        for line in lines:  # one at a time: printable escapes a line end in a file name
            print(printable(line), file=stream, flush=True)

    return write
