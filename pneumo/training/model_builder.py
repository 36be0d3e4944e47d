"""Build a network with augmentation, and compile it for a stage of training."""

import logging
from collections.abc import Iterator
from pathlib import Path

import keras

from pneumo.errors import ConfigError, ModelError
from pneumo.nets import architecture
from pneumo.nets.load import load_network
from pneumo.nets.subtype import with_subtype
from pneumo.nets.transfer import freeze_backbone
from pneumo.training.augment import augmentation
from pneumo.training.config import TrainConfig

log = logging.getLogger(__name__)

OUTPUTS = ("probability", "bacterial")
_SUBTYPE_SHARE = 0.3  # of the loss, beside 1 for pneumonia


def device() -> str:
    """The devices of Keras, as "gpu:0, gpu:1" or "cpu"."""
    return ", ".join(name for name in keras.distribution.list_devices() if not name.startswith("cpu")) or "cpu"


def is_mixed(config: TrainConfig) -> bool:
    return config.precision == "mixed" or (config.precision == "auto" and device() != "cpu")


def build_network(config: TrainConfig) -> keras.Model:
    """The network alone: (size, size, 1) -> probability, or [probability, bacterial]. Weights are float32 at any precision.

    Raises ConfigError for settings without a valid network, such as an image too small for its blocks.
    """
    policy_before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if is_mixed(config) else "float32")
    try:
        net = architecture(config.architecture).build(config.network, config.spec, config.backbone_weights)
        net = with_subtype(net) if config.subtype else net
    except ValueError as error:
        problem = f"{config.architecture} cannot be built with an image of {config.size} pixels and these settings."
        remedy = "Use a larger size or fewer blocks."
        raise ConfigError(f"{problem} {remedy} Keras says: {str(error).splitlines()[0]}") from error
    finally:
        keras.config.set_dtype_policy(policy_before)
    if config.initial_weights != "none":
        load_layers(net, Path(config.initial_weights))
    return net


def load_layers(net: keras.Model, path: Path) -> None:
    """Copy the weights of every layer with the same name and shapes in the network at `path`.

    Logs the other layers. Raises ConfigError for a file that is no network or has another architecture.
    """
    try:
        earlier = {layer.name: layer for layer in load_network(path).layers}
    except ModelError as error:
        raise ConfigError(f"No earlier network in {path}. Expected the best.keras of a run, or a model.keras.") from error
    weighted = [layer for layer in net.layers if layer.weights]
    shapes = {name: [w.shape for w in layer.weights] for name, layer in earlier.items()}
    fitting = [layer for layer in weighted if [w.shape for w in layer.weights] == shapes.get(layer.name)]
    if len(fitting) < len(weighted) / 2:
        fit = f"{len(fitting)} of {len(weighted)} layers fit"
        raise ConfigError(f"{path} is another network: {fit}. Name one of this architecture.")
    for layer in fitting:
        layer.set_weights(earlier[layer.name].get_weights())
    own = [layer.name for layer in weighted if layer not in fitting]
    log.info("initial weights: %d of %d layers from %s; their own start: %s", len(fitting), len(weighted), path.name, own or "none")


def build_trainer(config: TrainConfig, net: keras.Model) -> keras.Model:
    """Augmentation, then `net` as the last layer; two outputs become a dict."""
    inputs = x = keras.Input((config.size, config.size, 1), name="canonical")
    for layer in augmentation(config.augmentation, config.seed, config.crop):
        x = layer(x)
    outputs = net(x)
    return keras.Model(inputs, dict(zip(OUTPUTS, outputs, strict=True)) if config.subtype else outputs)


def network_of(trainer: keras.Model) -> keras.Model:
    return next(layer for layer in trainer.layers if isinstance(layer, keras.Model))


def stages(config: TrainConfig) -> Iterator[tuple[int, int, float, bool]]:
    """(first epoch, end, learning rate, backbone frozen) of each stage."""
    if config.head_epochs:
        yield 0, config.head_epochs, config.head_learning_rate, True
    if config.epochs > config.head_epochs:
        yield config.head_epochs, config.epochs, config.learning_rate, False


def compile_stage(trainer: keras.Model, config: TrainConfig, rate: float, frozen: bool, steps: int) -> None:
    """Freeze layers and set optimizer, losses and metrics for a stage of `steps` batches."""
    if hasattr(config.network, "trainable_from"):
        freeze_backbone(network_of(trainer), None if frozen else config.network.trainable_from)
    kinds = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "rmsprop": keras.optimizers.RMSprop}
    optimizer = kinds[config.optimizer](warmed_cosine(rate, steps) if config.schedule == "cosine" else rate)

    def loss() -> keras.losses.Loss:
        return keras.losses.BinaryCrossentropy(label_smoothing=config.label_smoothing)

    metrics = ["accuracy", keras.metrics.AUC(name="auc")]
    if not config.subtype:
        trainer.compile(optimizer, loss(), metrics=metrics, weighted_metrics=[])
        return
    trainer.compile(
        optimizer,
        {name: loss() for name in OUTPUTS},
        loss_weights={"probability": 1.0, "bacterial": _SUBTYPE_SHARE},
        metrics={"probability": metrics},
        weighted_metrics={"bacterial": [keras.metrics.AUC(name="auc")]},  # healthy children have weight 0
    )


def warmed_cosine(rate: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Up to `rate` in a twentieth of the `steps`, then down to 0."""
    return keras.optimizers.schedules.CosineDecay(rate / 20, steps, warmup_target=rate, warmup_steps=max(1, steps // 20))
