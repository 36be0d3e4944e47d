"""docs/dicom-conformance.md names what the code sends, receives and writes."""

import re

import pytest
from exchange.dx import dx_bytes
from exchange.running import ROOT

from pneumo.exchange import codes, node
from pneumo.exchange.heat import LEVEL
from pneumo.exchange.place import SERIES
from pneumo.exchange.results import make_results
from pneumo.exchange.settings import OBJECTS
from pneumo.exchange.source import IMAGES
from pneumo.inference.finding import Terms, read

STATEMENT = (ROOT / "docs" / "dicom-conformance.md").read_text(encoding="utf-8")


def stated(heading: str) -> set[str]:
    """The UIDs of one section."""
    section = STATEMENT.split(f"## {heading}")[1].split("\n## ")[0]
    return set(re.findall(r"(?<![\d.])1\.2\.840\.10008\.[\d.]*\d", section))


@pytest.fixture(scope="module")
def results(predictor, everything):
    data = dx_bytes(gamma=0.4, side=448)
    return make_results(data, read(data, predictor), predictor.card, Terms(), everything)


def test_what_is_received():
    assert stated("Received: Storage SCP") == {*IMAGES, *node.SYNTAXES, "1.2.840.10008.1.1"}


def test_what_is_sent(results):
    classes = {str(result.SOPClassUID) for result in results}
    find = "1.2.840.10008.5.1.4.1.2.2.1"
    assert stated("Sent: Storage SCU and STOW-RS") == {*classes, "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", find}
    for name, result in zip(OBJECTS, (results.report, results.capture, results.pdf, results.lungs), strict=True):
        assert SERIES[name] == result.SeriesNumber
        assert re.search(
            rf"\| `{name}`.* \| {re.escape(result.SOPClassUID)} \| {result.Modality} \| {result.SeriesNumber} \|", STATEMENT
        )


def test_all_our_own_codes_are_named():
    concepts = [each for value in vars(codes).values() for each in (value.values() if isinstance(value, dict) else [value])]
    own = {each.value for each in concepts if getattr(each, "scheme_designator", "") == "99PNEUMO"}
    assert len(own) > 15
    assert [code for code in own if f"`{code}`" not in STATEMENT] == []


def test_the_level_of_the_mask_is_stated():
    assert f"heat is at least {LEVEL:g} of the scale" in STATEMENT


def test_no_private_elements(results):
    for result in results:
        assert [element.tag for element in result.iterall() if element.tag.is_private] == []
