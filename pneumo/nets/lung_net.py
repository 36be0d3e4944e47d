"""The lung segmenter's network: a small U-Net (Ronneberger et al., MICCAI 2015)."""

import keras
from keras import layers

SIDE = 112  # of the input, pixels
_WIDTHS = (8, 16, 32, 48, 64)  # channels from fine to coarse; the coarsest cells see the whole chest


def build_lung_net(side: int = SIDE, widths: tuple[int, ...] = _WIDTHS) -> keras.Model:
    """float32 (n, side, side, 1) of mean 0 and deviation 1 -> logits (n, side, side, 1) of lung.

    `side` must be a multiple of 2 ** (len(widths) - 1).
    """
    image = layers.Input((side, side, 1), name="radiograph")
    x, skips = image, []
    for number, width in enumerate(widths):
        if number:
            skips.append(x)
            x = layers.MaxPooling2D(2)(x)
        x = _convolved(_convolved(x, width), width)
    for width, skip in zip(reversed(widths[:-1]), reversed(skips), strict=True):
        x = layers.UpSampling2D(2, interpolation="nearest")(_convolved(x, width))
        x = _convolved(_convolved(layers.Concatenate()([x, skip]), width), width)
    return keras.Model(image, layers.Conv2D(1, 1, name="logit")(x), name="lungs")


def _convolved(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))
