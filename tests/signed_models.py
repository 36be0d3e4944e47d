"""A site's own key, and model folders signed by it: only signed models and the default one vote on an answer."""

import os
from pathlib import Path

from pneumo.registry import signing_keys
from pneumo.registry.seal import seal_folder


def sign(monkeypatch, root: Path, *models: str) -> None:
    """Sign these models below `root` with the site's key, which is made at the first call."""
    path = root.parent / "site.key"
    monkeypatch.setenv("PNEUMO_SIGNING_KEY", os.fspath(path))
    if not path.exists():
        signing_keys.make_site_key()
    for model in models:
        seal_folder(root / model, signing_keys.signing_key())
