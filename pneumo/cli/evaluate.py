"""`pneumo evaluate`: predictions and metrics of a model on one split, or its robustness."""

import argparse
import json
from pathlib import Path
from typing import Any

from pneumo.cli.commands import Commands, add_command
from pneumo.evaluation.likelihood import stated_prevalence
from pneumo.evaluation.predictions import read_predictions
from pneumo.inference.predictor import Predictor
from pneumo.paths import data_dir, models_dir
from pneumo.reporting.model_card import write_readme


def add(commands: Commands) -> None:
    evaluate = add_command(commands, "evaluate", run, "predictions and metrics of a model on one split")
    evaluate.add_argument("model")
    evaluate.add_argument("--data", type=Path, default=data_dir())
    evaluate.add_argument("--split", default="test", help="test, validation, or a folder below --data")
    evaluate.add_argument("--output", type=Path, help="folder for the files; default: the model's own")
    evaluate.add_argument("--robustness", action="store_true", help="instead: changed images, hidden lungs, heatmap tests")
    evaluate.add_argument("--images", type=int, help="with --robustness: number of images, drawn by seed; default: all")
    evaluate.add_argument("--why", default="evaluate command", help="reason for the ledger")


def run(options: argparse.Namespace) -> None:
    from pneumo.studies.assess import assess_split

    predictor = Predictor.load(options.model)
    if options.robustness:
        from pneumo.studies.robustness import assess_robustness

        robustness = assess_robustness(predictor, options.data, options.split, options.output, sample=options.images)
        print(json.dumps(robustness, indent=2))
        return
    summary = assess_split(predictor, options.data, options.split, options.why, options.output)
    if options.output:  # not in a model's own folder: the Metrics page draws the charts
        _write_plots(options.output, options.split.replace("/", "-"), predictor.card.points_at(summary["prevalence"]), summary)
    else:
        write_readme(options.model, models_dir())  # the card shows these figures
    print(json.dumps(summary, indent=2))


def _write_plots(folder: Path, split: str, points: dict[str, float], summary: dict[str, Any]) -> None:
    from pneumo.reporting.chart_drawing import chart_png
    from pneumo.reporting.metrics_charts import main_charts

    predictions = read_predictions(folder / f"predictions-{split}.csv")
    if len(set(predictions.labels.tolist())) == 2:  # no curve without both classes
        for chart in main_charts(predictions, points, summary, stated_prevalence()):
            (folder / f"{split}-{chart.key}.png").write_bytes(chart_png(chart))
