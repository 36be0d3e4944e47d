"""Run folders as training leaves them, but written by hand, without training."""

import json
import os
from pathlib import Path

from pneumo.training.config import make_config
from pneumo.training.runfolder import RunStatus, prepare, write_status

VERSIONS = {"python": "3.11.2", "keras": "3.15.1", "numpy": "2.4.6"}


def lines(epochs: int, seconds: float = 12.0, start: float = 0.6) -> list[dict]:
    """A history whose loss falls until the last epoch but one and then rises."""
    rows = []
    for epoch in range(1, epochs + 1):
        loss = start * 0.75 ** (epoch - 1)
        held = loss * 1.2 + (0.15 if epoch == epochs > 1 else 0.0)
        line = {"epoch": epoch, "loss": loss, "accuracy": 1 - loss / 2, "auc": 1 - loss / 3}
        line |= {"val_loss": held, "val_accuracy": 1 - held / 2, "val_auc": 1 - held / 3}
        rows.append({**line, "learning_rate": 5e-4 / epoch, "seconds": seconds})
    return rows


def make_run(
    runs: Path,
    name: str,
    state: str = "finished",
    epochs: int = 4,
    architecture: str = "cnn",
    when: int = 0,
    settings: dict | None = None,
    seconds: float = 12.0,
    start: float = 0.6,
    **status,
) -> Path:
    """`epochs`: how many are done. `when`: seconds by which the run is later than others; the list is ordered by it."""
    run, config = runs / name, make_config(architecture, settings or {})
    prepare(config, run, resume=False)
    (run / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines(epochs, seconds, start)))
    if epochs:
        (run / "best.keras").write_bytes(b"stands for a network")
    (run / "source.json").write_text(
        json.dumps(
            {
                "data": str(runs.parent / "data"),
                "manifest_sha256": "ab12" * 16,
                "seed": 0,
                "versions": VERSIONS,
                "commit": "0123abc",
                "backend": "tensorflow",
                "device": "cpu",
                "mixed_precision": False,
                "started": "2026-01-02T03:04:05+0000",
            }
        )
    )
    rows = [
        f"train/{label}/{number}.png,{label},none,{label}-{number},train"
        for label in ("NORMAL", "PNEUMONIA")
        for number in range(30)
    ]
    (run / "split.csv").write_text("path,label,subtype,patient,part\n" + "\n".join(rows) + "\n")
    (run / "log.txt").write_text("".join(f"epoch {n} of {config.epochs}: loss 0.1\n" for n in range(1, epochs + 1)))
    os.utime(run / "config.json", (1_700_000_000 + when, 1_700_000_000 + when))
    write_status(run, RunStatus(state, epoch=epochs, epochs=config.epochs, **status))
    return run
