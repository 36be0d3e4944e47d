"""Settings of a training run: a frozen dataclass, stored as flat JSON; unknown keys are errors."""

import dataclasses
import difflib
import math
from typing import Any

from pneumo.errors import ConfigError
from pneumo.imaging.preprocess import CANONICAL_SIDE, InputSpec
from pneumo.nets import architecture as look_up

OPTIMIZERS = ("adam", "adamw", "rmsprop")
SCHEDULES = ("cosine", "constant", "plateau")
PRECISIONS = ("auto", "float32", "mixed")
ALL_DEVICES = "all"
# none: every image once per epoch. weights: the same with class weights in the loss. replicate: the smaller class is repeated until
# both are equal. classes: as many draws as images, with both classes equally likely.
BALANCES = ("none", "weights", "replicate", "classes")
# Removed settings with their neutral values: config.json of older runs still has them.
_REMOVED = {"swapped": 0.0}


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    architecture: str
    network: Any  # the architecture's own settings dataclass
    size: int  # network input, pixels
    margin: int  # canonical pixels (of 224) cropped on each side; 0 if lung-centred
    lung_centred: bool = True  # input is the box of the lungs, not the frame (imaging/lung_box.py)
    epochs: int = 8  # head epochs included
    head_epochs: int = 0  # first epochs with the backbone frozen
    batch_size: int = 32
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    head_learning_rate: float = 1e-3
    schedule: str = "cosine"  # cosine: warm-up, then down to 0 over the stage; plateau: halved after 2 epochs without progress
    patience: int = 0  # stop after so many epochs without a lower validation loss; 0: never
    balance: str = "classes"  # one of BALANCES
    augmentation: float = 1.0  # strength; 0 switches it off
    crop: float = 1.0  # least share of the area that augmentation shows
    hidden: float = 0.0  # share of images shown with their lungs hidden, without a label (training/feed.py)
    label_smoothing: float = 0.0
    subtype: bool = False  # a second output, bacterial against viral, learned from the pneumonia cases alone
    precision: str = "auto"  # auto: mixed on a GPU, else float32
    backbone_weights: str = "none"  # imagenet, none or a path
    initial_weights: str = "none"  # best.keras or model.keras of an earlier network, loaded by layer
    seed: int = 0
    devices: str = "1"  # of this machine that share each batch: a number, or all (docs/scale.md)

    @property
    def spec(self) -> InputSpec:
        return InputSpec(self.size, self.margin, self.lung_centred)

    def to_dict(self) -> dict[str, Any]:
        """Flat and JSON-ready, network settings included."""
        flat = dataclasses.asdict(self)
        network = flat.pop("network")
        return {**flat, **network}

    @property
    def command(self) -> list[str]:
        """Arguments of the `train` command that repeats the run: non-default settings."""
        usual = make_config(self.architecture, {}).to_dict()
        words = [self.architecture]
        for key, value in self.to_dict().items():
            if value != usual[key]:
                text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
                words += ["--" + key.replace("_", "-"), text]
        return words


# Defaults per architecture; network settings and input size are in pneumo.nets.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "cnn": {"epochs": 20, "batch_size": 64, "learning_rate": 5e-4},
    "cnn-dropout": {"epochs": 25, "batch_size": 64, "optimizer": "rmsprop", "learning_rate": 3e-4},
    "densenet169": {"epochs": 8, "head_epochs": 1, "learning_rate": 1e-4, "backbone_weights": "imagenet"},
    "resnet50": {"epochs": 8, "head_epochs": 1, "learning_rate": 1e-4, "backbone_weights": "imagenet"},
}


def make_config(architecture: str, settings: dict[str, Any]) -> TrainConfig:
    """Defaults of `architecture` overlaid with `settings` (strings are read as the field's type).

    Raises ConfigError naming an unknown key with its nearest guess, or a value out of range.
    """
    kind = look_up(architecture)
    values = {**_DEFAULTS.get(architecture, {}), **{key.replace("-", "_"): value for key, value in settings.items()}}
    if values.pop("architecture", architecture) != architecture:
        raise ConfigError(f"The configuration is for {settings['architecture']!r}, but {architecture!r} was asked for.")
    own = {f.name: f for f in dataclasses.fields(kind.settings)}
    run = {f.name: f for f in dataclasses.fields(TrainConfig) if f.name not in ("architecture", "network")}
    for key, did_nothing in _REMOVED.items():
        value = values.pop(key, did_nothing)
        if _read(key, value, did_nothing) != did_nothing:
            raise ConfigError(f"{key} is {value}; expected {did_nothing} or nothing, as this setting was removed.")
    for key in values:
        if key not in own and key not in run:
            near = difflib.get_close_matches(key, [*own, *run], n=1)
            raise ConfigError(f"Unknown setting {key!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
    network = kind.settings(**{k: _read(k, v, own[k].default) for k, v in values.items() if k in own})
    base = TrainConfig(architecture, network, kind.spec.size, kind.spec.margin, kind.spec.lung_centred)
    config = dataclasses.replace(base, **{k: _read(k, v, getattr(base, k)) for k, v in values.items() if k in run})
    _check(config)
    return config


def _read(key: str, value: Any, example: Any) -> Any:
    """Convert command line text or JSON lists to the type of `example`."""
    if isinstance(example, bool):
        if str(value).lower() not in ("true", "false"):
            raise ConfigError(f"{key} is {value!r}; expected true or false.")
        return str(value).lower() == "true"
    try:
        if isinstance(example, tuple):
            parts = value.split(",") if isinstance(value, str) else value
            return tuple(type(example[0])(part) for part in parts)
        return type(example)(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{key} is {value!r}; expected something like {example!r}.") from error


def _check(config: TrainConfig) -> None:
    some_devices = config.devices.isdecimal() and int(config.devices) >= 1
    rules = [
        ("epochs", config.epochs >= 1, "at least 1"),
        ("head_epochs", 0 <= config.head_epochs <= config.epochs, "between 0 and epochs"),
        ("batch_size", 1 <= config.batch_size <= 1024, "1 to 1024"),
        ("learning_rate", 0 < config.learning_rate <= 1 and math.isfinite(config.learning_rate), "above 0, at most 1"),
        ("head_learning_rate", 0 < config.head_learning_rate <= 1, "above 0, at most 1"),
        ("optimizer", config.optimizer in OPTIMIZERS, ", ".join(OPTIMIZERS)),
        ("schedule", config.schedule in SCHEDULES, ", ".join(SCHEDULES)),
        ("patience", config.patience >= 0, "0 (never stop early) or more"),
        ("balance", config.balance in BALANCES, ", ".join(BALANCES)),
        ("precision", config.precision in PRECISIONS, ", ".join(PRECISIONS)),
        ("augmentation", 0 <= config.augmentation <= 2, "0 (off) to 2"),
        ("hidden", 0 <= config.hidden <= 1, "0 to 1"),
        ("label_smoothing", 0 <= config.label_smoothing < 0.5, "0 to below 0.5"),
        ("crop", 0 < config.crop <= 1, "above 0, at most 1"),
        ("margin", 0 <= config.margin <= CANONICAL_SIDE // 4, f"0 to {CANONICAL_SIDE // 4}"),
        ("margin", not (config.margin and config.lung_centred), "0 where lung_centred is true"),
        ("devices", config.devices == ALL_DEVICES or some_devices, "1 or more, or all"),
        ("size", 32 <= config.size <= 512, "32 to 512"),
    ]
    for name, fine, expected in rules:
        if not fine:
            raise ConfigError(f"{name} is {getattr(config, name)}; expected {expected}.")
