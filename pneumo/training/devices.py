"""Data-parallel training on several devices of one machine."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

from pneumo.errors import ConfigError
from pneumo.training.config import ALL_DEVICES, TrainConfig


def chosen_devices(config: TrainConfig) -> list[str]:
    """Names, such as ["gpu:0"]. Raises ConfigError for too few, an uneven batch size, or a backend without data parallelism."""
    names: list[str] = keras.distribution.list_devices()  # accelerators, else CPUs
    count = len(names) if config.devices == ALL_DEVICES else int(config.devices)
    if count > len(names):
        raise ConfigError(f"devices is {count}; expected at most {len(names)}, or {ALL_DEVICES}: found {', '.join(names)}.")
    backend = keras.backend.backend()
    if count > 1 and backend != "jax":
        problem = f"devices is {config.devices}, but with the {backend} backend Keras trains on one."
        raise ConfigError(f"{problem} Set KERAS_BACKEND=jax, or devices to 1.")
    if config.batch_size % count:
        expected = f"expected a multiple of {count}, for {count} devices share each batch evenly"
        raise ConfigError(f"batch_size is {config.batch_size}; {expected}.")
    return names[:count]


def data_parallel(devices: list[str]) -> AbstractContextManager[Any]:
    """Run Keras data-parallel on `devices`; no effect for one device."""
    return nullcontext() if len(devices) == 1 else keras.distribution.DataParallel(devices=devices).scope()
