"""--objects: which DICOM objects are made of an image, for `pneumo dicom` and `pneumo node`."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pneumo.exchange.results import Selection
    from pneumo.inference.predictor import Predictor


def add_objects(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--objects",
        metavar="LIST",
        help="report,capture,pdf,seg or some of them; the report is always made. Default: PNEUMO_OBJECTS, else report,capture",
    )


def selection_of(options: argparse.Namespace, predictor: "Predictor") -> "Selection":
    """Raises ConfigError for an unknown object, ModelError for a lung segmenter that does not verify."""
    from pneumo.exchange.results import Selection
    from pneumo.exchange.settings import PDF, SEG, objects_asked
    from pneumo.inference.lung_checks import load_finder
    from pneumo.site.use import metrics_beside

    objects = objects_asked(options.objects)
    finder = predictor.finder or load_finder() if SEG in objects else None
    return Selection(objects, finder, metrics_beside(predictor) if PDF in objects else {})
