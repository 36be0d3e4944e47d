"""Seal of a model folder: signatures, refused folders, and that resealing never accepts files altered by others."""

import json
import logging
import re
from pathlib import Path

import pytest
from phantom_sets import copy_set
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.errors import ConfigError, ModelError
from pneumo.inference.predictor import Predictor
from pneumo.registry import signing_keys
from pneumo.registry.minisign import PublicKey, SecretKey
from pneumo.registry.model_folder import ModelFolder, list_models
from pneumo.registry.models import verified
from pneumo.registry.seal import MANIFEST, SIGNATURE, read_seal, reseal, seal_folder, sealed_file
from pneumo.reporting.model_card import write_readme
from pneumo.studies.assess import assess_split

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = make_registry(tmp_path / "models")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    return root


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site with its own key."""
    path = tmp_path / "settings" / "site.key"
    monkeypatch.setenv("PNEUMO_SIGNING_KEY", str(path))
    signing_keys.make_site_key()
    return path


def state(root):
    return Predictor.load("tiny", root).seal.state


def test_an_unsigned_model_serves_with_a_warning(root, capsys, caplog):
    assert state(root) == "unsigned"
    assert "Model 'tiny' is unsigned: its files are whole, and nobody known here vouches for them." in caplog.text
    assert main(["models", "verify"]) == 0
    assert capsys.readouterr().out.startswith("tiny\tok\tunsigned\n")


def test_the_manifest_has_the_format_of_sha256sum(root):
    lines = (root / "tiny" / MANIFEST).read_text().splitlines()
    assert [line[66:] for line in lines] == ["card.json", "metrics.json", "model.keras", "model.onnx", "reference.npz"]
    assert all(re.fullmatch(r"[0-9a-f]{64}  [^/]+", line) for line in lines)


def test_a_site_signs_its_own_models(root, site, capsys):
    key = PublicKey.parse(site.with_suffix(".pub").read_text())
    assert main(["models", "sign", "tiny"]) == 0
    assert capsys.readouterr().out == f"tiny\tsigned by this site (key {key.id})\tno file changed\n"
    assert main(["models", "verify"]) == 0
    assert f"tiny\tok\tsigned by this site (key {key.id})" in capsys.readouterr().out


def test_a_serving_computer_needs_only_the_public_key(root, site, tmp_path, monkeypatch):
    main(["models", "sign", "tiny"])
    monkeypatch.setenv("PNEUMO_SIGNING_KEY", "/nowhere/site.key")
    assert state(root).startswith("signed by a key that is not known here (")
    monkeypatch.setenv("PNEUMO_SITE_KEY", str(site.with_suffix(".pub")))
    assert state(root).startswith("signed by this site")


def test_the_projects_key_is_the_one_in_the_package(root, monkeypatch, tmp_path):
    key = SecretKey.new()
    (tmp_path / "release.key").write_text(key.text)
    monkeypatch.setattr(signing_keys, "PROJECT", key.public.line)
    assert main(["models", "sign", "--all", "--key", str(tmp_path / "release.key")]) == 0
    assert state(root) == f"signed by the project (key {key.public.id})"


def test_the_shipped_models_are_signed_by_the_project():
    shipped = ROOT / "models"
    for name in [*list_models(shipped), "lungs"]:
        assert read_seal(shipped / name, name).signer == "the project", name
    assert f"`{signing_keys.PROJECT}`" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert not list(ROOT.glob("**/*release*.key"))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda folder: (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace("a", "b")), "is not what this site"),
        (lambda folder: (folder / SIGNATURE).write_text("signed, honestly"), "MANIFEST.minisig is damaged"),
        (lambda folder: (folder / SIGNATURE).write_bytes(b"\xff\xfe"), "MANIFEST.minisig is damaged"),
        (
            lambda folder: (folder / SIGNATURE).write_text((folder / SIGNATURE).read_text().replace("folder tiny", "folder big")),
            "is not what this site",
        ),
    ],
)
def test_a_tampered_seal_is_refused(root, site, harm, message):
    main(["models", "sign", "tiny"])
    harm(root / "tiny")
    for attempt in (lambda: verified("tiny", root), lambda: sealed_file(root / "tiny", "metrics.json", "It")):
        with pytest.raises(ModelError, match=message):
            attempt()


def test_a_site_can_require_signatures(root, site, monkeypatch, capsys):
    monkeypatch.setenv("PNEUMO_REQUIRE_SIGNED", "1")
    with pytest.raises(ModelError, match="'tiny' is unsigned, and PNEUMO_REQUIRE_SIGNED asks"):
        Predictor.load("tiny", root)
    seal_by_stranger(root)
    with pytest.raises(ModelError, match="signed by a key that is not known here"):
        Predictor.load("tiny", root)
    assert main(["models", "sign", "tiny"]) == 0
    assert "no file changed" in capsys.readouterr().out
    assert state(root).startswith("signed by this site")
    seal_folder(root / "tiny")
    for word, asked in (("yes", True), ("0", False), ("", False), ("perhaps", True)):
        monkeypatch.setenv("PNEUMO_REQUIRE_SIGNED", word)
        assert main(["models", "verify"]) == asked


def seal_by_stranger(root):
    data = (root / "tiny" / MANIFEST).read_bytes()
    (root / "tiny" / SIGNATURE).write_text(SecretKey.new().sign(data, "trust me").text)


def test_altered_metrics_are_refused(root):
    path = root / "tiny" / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["test"]["auc"] = {"value": 1.0, "low": 1.0, "high": 1.0}
    path.write_text(json.dumps(metrics))
    with pytest.raises(ModelError, match=r"metrics\.json was altered"):
        ModelFolder.of("tiny", root).metrics()


def test_the_list_reports_an_altered_model_and_continues(root, capsys):
    make_registry(root, "other")
    (root / "tiny" / "metrics.json").write_text("{}")
    assert main(["models", "list"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first == "other\ttest AUC 0.900 (0.850-0.950)"
    assert "metrics.json was altered" in second


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "set"
    copy_set(folder, patients=6)
    return folder


def test_files_written_later_are_sealed_and_signed_again(root, site, data):
    main(["models", "sign", "tiny"])
    assess_split(Predictor.load("tiny", root), data, "test", "a look", root=root)
    write_readme("tiny", root)
    model = verified("tiny", root)
    assert model.seal.state.startswith("signed by this site")
    assert {"predictions-test.csv", "metrics.json", "README.md"} <= set(model.seal.files)
    assert len(ModelFolder.of("tiny", root).metrics()["test"]["operating_points"]) == 3


def test_without_a_key_a_changed_folder_becomes_unsigned_with_a_warning(root, site, monkeypatch, caplog):
    main(["models", "sign", "tiny"])
    monkeypatch.setenv("PNEUMO_SITE_KEY", str(site.with_suffix(".pub")))
    monkeypatch.setenv("PNEUMO_SIGNING_KEY", "/nowhere/site.key")
    with caplog.at_level(logging.WARNING):
        write_readme("tiny", root)
    assert "tiny was signed by this site" in caplog.text
    assert "is now unsigned" in caplog.text
    assert state(root) == "unsigned"


def test_resealing_does_not_accept_other_altered_files(root, site):
    """Somebody altered a file, or the manifest with it: a later command must not sign that with the site's key."""
    main(["models", "sign", "tiny"])
    (root / "tiny" / "model.keras").write_bytes(b"altered")
    (root / "tiny" / "README.md").write_text("new")
    reseal(root / "tiny", ("README.md",))
    with pytest.raises(ModelError, match=r"model\.keras was altered"):
        verified("tiny", root)
    seal_folder(root / "tiny")  # possible without a key: a matching manifest without a signature
    reseal(root / "tiny", ("README.md",))
    assert read_seal(root / "tiny", "tiny").state == "unsigned"


def test_signing_reports_changed_files(root, site, capsys):
    main(["models", "sign", "tiny"])
    (root / "tiny" / "metrics.json").write_text("{}")
    (root / "tiny" / "notes.txt").write_text("x")
    capsys.readouterr()
    assert main(["models", "sign", "tiny"]) == 0
    assert capsys.readouterr().out.endswith("\tchanged: metrics.json, notes.txt\n")


def test_only_a_model_that_could_serve_is_signed(root, site, capsys):
    card = json.loads((root / "tiny" / "card.json").read_text())
    (root / "tiny" / "card.json").write_text(json.dumps({**card, "heatmap_scale": -1}))
    assert main(["models", "sign", "tiny"]) == 1
    assert "heatmap_scale is -1" in capsys.readouterr().out
    (root / "tiny" / "card.json").write_text(json.dumps(card))
    (root / "tiny" / "old").mkdir()
    assert main(["models", "sign", "tiny"]) == 1
    assert "'old' is no plain file" in capsys.readouterr().out
    assert main(["models", "sign", "none"]) == 1
    assert "No model 'none'" in capsys.readouterr().out
    assert main(["models", "sign"]) == 2
    assert main(["models", "sign", "tiny", "--all"]) == 2


def test_a_model_without_manifest_can_be_sealed_by_command(root, capsys):
    (root / "tiny" / MANIFEST).unlink()
    assert main(["models", "verify"]) == 1
    assert "MANIFEST is missing. Restore the folder; if it is your own" in capsys.readouterr().out
    assert main(["models", "sign", "tiny"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("tiny\tunsigned\tchanged: card.json, ")
    assert "There is no key to sign with" in output.err
    assert state(root) == "unsigned"


def test_a_key_is_private_never_overwritten_and_outside_pneumo(tmp_path, monkeypatch, capsys):
    path = tmp_path / "deep" / "site.key"
    assert main(["models", "key", "--output", str(path)]) == 0
    output = capsys.readouterr().out
    assert path.stat().st_mode & 0o077 == 0
    assert PublicKey.parse(path.with_suffix(".pub").read_text()).line in output
    assert path.read_text().splitlines()[1] not in output
    assert main(["models", "key", "--output", str(path)]) == 2
    assert "There is a key already" in capsys.readouterr().err
    assert main(["models", "key", "--output", str(ROOT / "site.key")]) == 2
    assert "must not be inside Pneumo" in capsys.readouterr().err
    assert not (ROOT / "site.key").exists()
    monkeypatch.setenv("PNEUMO_SIGNING_KEY", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert signing_keys.make_site_key()[0] == tmp_path / "pneumo" / "site.key"


def test_unusable_keys_are_reported(root, tmp_path, monkeypatch, caplog):
    (tmp_path / "site.key").write_text("secret")
    monkeypatch.setenv("PNEUMO_SIGNING_KEY", str(tmp_path / "site.key"))
    with pytest.raises(ConfigError, match="cannot be used"):
        signing_keys.signing_key()
    (tmp_path / "site.pub").write_text("public")
    seal_by_stranger(root)
    assert "not known here" in state(root)  # models still serve
    assert "The site's public key" in caplog.text
    with pytest.raises(ConfigError, match="cannot be read"):
        signing_keys.read_key(tmp_path / "none")
