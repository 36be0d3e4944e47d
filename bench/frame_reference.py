"""Framing and exposure of the public set, for comparison in the local test.

python bench/frame_reference.py DATA

Writes pneumo/site/frame_reference.json: percentiles of each measure by split and class, with lungs by the serving segmenter, and
width / height of squashed copies from data/lung_masks.py. No diagnostic model answers, so this is no look at test. Takes about
three minutes.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.file_facts import measure
from pneumo.data.lung_masks import original_sizes
from pneumo.data.records import folder_of, scan
from pneumo.imaging.measures import PICTURE
from pneumo.imaging.preprocess import CANONICAL_SIDE
from pneumo.inference.lung_fields import LungFinder
from pneumo.site.frame import PERCENTILES, REFERENCE


def main(data: Path) -> None:
    finder, sizes = LungFinder.load(), original_sizes()
    records = scan(data, ("train", "test"))
    images = cached_images(folder_of(data), [record.path for record in records])
    groups: dict[str, list[dict[str, float]]] = {}
    for index, record in enumerate(records):
        fields = finder.find(images[index])
        size = sizes.get(record.path, (CANONICAL_SIDE, CANONICAL_SIDE))
        measures = measure(images[index], size, fields.mask if fields.plausible else None)
        groups.setdefault(f"{record.split} {record.label}", []).append(asdict(measures))
    table = {
        group: {
            "images": len(rows),
            "measures": {
                name: np.round(np.percentile(known, PERCENTILES), 4).tolist()
                for name in PICTURE
                if len(known := [row[name] for row in rows if np.isfinite(row[name])])
            },
            "without_lungs": sum(not np.isfinite(row["lung_height"]) for row in rows),
        }
        for group, rows in groups.items()
    }
    data_name = "Kermany et al., chest X-rays, Mendeley Data 10.17632/rscbjbr9sj version 2, CC BY 4.0"
    REFERENCE.write_text(json.dumps({"data": data_name, "segmenter_sha256": finder.sha256, "groups": table}, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
