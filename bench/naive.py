"""A typical simple implementation, for comparison: load_model, predict, GradientTape Grad-CAM, one file after the other.

python bench/naive.py PATH... [--heatmap DIR] [--repeat N]

It loads the network and weights of the shipped `resnet50`. Files are JPEG or PNG. Prints one line per file. No hash, gate,
calibration, mirror image or limits.
"""

import argparse
from pathlib import Path

MODEL = Path(__file__).parent.parent / "models" / "resnet50" / "model.keras"


class Naive:
    """The network, and a second model that also outputs the last feature maps."""

    def __init__(self):
        import keras

        self.network = keras.models.load_model(MODEL)
        last = next(layer for layer in reversed(self.network.layers) if len(layer.output.shape) == 4)
        self.inside = keras.Model(self.network.input, [last.output, self.network.outputs])
        self.size = self.network.input_shape[1]

    def answer(self, path: Path):
        """(probability, uint8 overlay (h, w, 3))."""
        import cv2
        import numpy as np
        import tensorflow as tf

        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        batch = (cv2.resize(picture, (self.size, self.size)).astype(np.float32) / 255.0)[None, ..., None]
        outputs = self.network.predict(batch, verbose=0)
        logit = float(np.ravel(outputs[0] if isinstance(outputs, list) else outputs)[0])
        with tf.GradientTape() as tape:
            maps, predictions = self.inside(batch)
            score = (predictions[0] if isinstance(predictions, list | tuple) else predictions)[:, 0]
        weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2))
        heat = np.maximum(tf.reduce_sum(maps * weights[:, None, None, :], axis=-1).numpy()[0], 0)
        heat = cv2.resize(heat / max(heat.max(), 1e-9), picture.shape[::-1])
        coloured = cv2.applyColorMap(np.uint8(255 * heat), cv2.COLORMAP_JET)
        return 1 / (1 + np.exp(-logit)), cv2.addWeighted(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), 0.6, coloured, 0.4, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--heatmap", type=Path)
    options = parser.parse_args()
    files = [
        file
        for path in options.paths
        for file in (sorted(f for f in path.rglob("*") if f.suffix in (".jpeg", ".jpg", ".png")) if path.is_dir() else [path])
    ]
    if options.heatmap:
        import cv2

        options.heatmap.mkdir(parents=True, exist_ok=True)
    naive = Naive()
    for file in files:
        probability, overlay = naive.answer(file)
        print(f"{probability:.3f} {file}", flush=True)
        if options.heatmap:
            cv2.imwrite(str(options.heatmap / f"{file.stem}.png"), overlay)


if __name__ == "__main__":
    main()
