"""One run on several devices of a machine: every batch is shared out among them, the weights are the same on all."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from pneumo.errors import ConfigError
from pneumo.training.config import ALL_DEVICES, TrainConfig


def chosen_devices(config: TrainConfig) -> list[str]:
    """The names of the devices the run computes on, such as ["gpu:0", "gpu:1"].

    Raises ConfigError where there are too few, a batch cannot be shared out evenly, or the backend knows only one.
    """
    names: list[str] = keras.distribution.list_devices()  # accelerators where there are any, else processors
    count = len(names) if config.devices == ALL_DEVICES else int(config.devices)
    if count > len(names):
        raise ConfigError(f"devices is {count}; expected at most {len(names)}, or {ALL_DEVICES}: found {', '.join(names)}.")
    if count > 1 and keras.backend.backend() != "jax":
        raise ConfigError(
            f"devices is {config.devices}, but with the {keras.backend.backend()} backend Keras trains on one. "
            "Set KERAS_BACKEND=jax, or devices to 1."
        )
    if config.batch_size % count:
        raise ConfigError(
            f"batch_size is {config.batch_size}; expected a multiple of {count}, for {count} devices share each batch evenly."
        )
    return names[:count]


@contextmanager
def spread(devices: list[str]) -> Iterator[None]:
    """What Keras builds, loads and fits meanwhile is shared out among `devices`; as usual where it is one."""
    if len(devices) == 1:
        yield
        return
    with keras.distribution.DataParallel(devices=devices).scope():
        yield
