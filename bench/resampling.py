"""Which resampling made the public 224 x 224 copies? Mean absolute difference of resampled originals and copies, in grey levels.

python bench/resampling.py ORIGINALS COPIES     two folders searched for files of the same name
"""

import io
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SIDE = 224
PILLOW = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC, "box": Image.Resampling.BOX}


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer), np.float32)


def candidates(image: Image.Image) -> dict[str, np.ndarray]:
    grey = np.asarray(image, np.float32)
    made = {
        "plain bilinear (OpenCV)": cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR),
        "area (OpenCV)": cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA),
    }
    made |= {
        f"antialiased {name} (Pillow)": np.asarray(image.resize((SIDE, SIDE), kind), np.float32) for name, kind in PILLOW.items()
    }
    return made | {f"{name} + JPEG 75": jpeg(pixels, 75) for name, pixels in made.items()}


def main(originals: str, copies: str) -> None:
    small = {path.name: path for path in Path(copies).rglob("*.jp*g")}
    pairs = [(path, small[path.name]) for path in sorted(Path(originals).rglob("*.jp*g")) if path.name in small]
    differences: dict[str, list[float]] = {}
    for original, copy in pairs:
        target = np.asarray(Image.open(copy).convert("L"), np.float32)
        for name, pixels in candidates(Image.open(original).convert("L")).items():
            differences.setdefault(name, []).append(float(np.abs(pixels - target).mean()))
    best = min(np.mean(values) for values in differences.values())
    for name, values in sorted(differences.items(), key=lambda item: np.mean(item[1])):
        print(f"{np.mean(values):6.2f} grey levels  {np.mean(values) / best:5.2f} x best  {name}")
    print(f"{len(pairs)} pairs")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
