"""Small trainings that several test files need."""

from pneumo.training.config import make_config

FRAME = {"lung_centred": "false", "margin": 16}  # finding lungs takes its time


TINY = {**FRAME, "filters": "4,8", "dense": 8, "size": 48, "batch_size": 8, "epochs": 3, "learning_rate": 3e-3, "augmentation": 0.3}


def tiny(**changes):
    return make_config("cnn", {**TINY, **changes})
