"""Small trainings that several test files need."""

import sys

from pneumo.training.config import make_config

FRAME = {"lung_centred": "false", "margin": 16}  # finding lungs is slow


TINY = {**FRAME, "filters": "4,8", "dense": 8, "size": 48, "batch_size": 8, "epochs": 3, "learning_rate": 3e-3, "augmentation": 0.3}


FIGURES = ("loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc")


def tiny(**changes):
    return make_config("cnn", {**TINY, **changes})


def command(data, run, *more):
    settings = [word for key, value in TINY.items() if key != "epochs" for word in ("--" + key, str(value))]
    return [sys.executable, "-m", "pneumo", "train", "cnn", "--data", str(data), "--output", str(run), *settings, *more]
