"""Send results to a DICOMweb archive with STOW-RS, then confirm each with QIDO-RS."""

import json
import uuid
from collections.abc import Sequence
from itertools import islice
from typing import Any

import requests
from pydicom.dataset import Dataset

from pneumo import __version__
from pneumo.exchange.outcome import FAILED, Outcome, all_failed, outcome_after_query, wait_until_found
from pneumo.exchange.results import file_bytes
from pneumo.exchange.settings import SendSettings, WebArchive

_CHUNK, _CHUNKS = 65536, 64  # at most 4 MB of a response are read
_STORED, _FAILED, _UID, _REASON = "00081199", "00081198", "00081155", "00081197"  # PS3.18 table I.2.1-1
_SOP_INSTANCE_UID = "00080018"
_DUPLICATE = 0x0111  # the archive already has the object (PS3.7 C.5.5)


def store(objects: Sequence[Dataset], web: WebArchive, settings: SendSettings) -> tuple[Outcome, ...]:
    """Send all objects in one request, then query for each. One outcome per object, in order. Never raises for a bad response."""
    boundary = uuid.uuid4().hex
    part = b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n"
    parts = [part % (boundary.encode(), file_bytes(instance)) for instance in objects]
    kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
    with _session(web) as session:
        try:
            answer = session.post(
                f"{web.url}/studies",
                data=b"".join(parts) + b"--%s--\r\n" % boundary.encode(),
                headers={"Content-Type": kind},
                timeout=settings.timeout,
                allow_redirects=False,  # images and password must go nowhere else
            )
            response = _json(answer) if answer.status_code in (200, 202, 409) else None
        except requests.RequestException:
            return all_failed(objects, "The archive does not answer, or broke off: nothing counts as sent. Check PNEUMO_STOW_URL.")
        return tuple(_outcome(session, instance, answer.status_code, response, web, settings) for instance in objects)


def _outcome(
    session: requests.Session, instance: Dataset, status: int, response: Any, web: WebArchive, settings: SendSettings
) -> Outcome:
    if status in (401, 403):
        return Outcome(instance.Modality, FAILED, f"The archive did not accept the user or token (HTTP {status}).")
    refusals = _references(response, _FAILED)
    if refusals.get(instance.SOPInstanceUID) == _DUPLICATE:
        return outcome_after_query(instance, wait_until_found(lambda: _find(session, instance, web, settings), settings.confirm))
    if instance.SOPInstanceUID in refusals:
        return Outcome(instance.Modality, FAILED, f"The archive refused the object (reason {refusals[instance.SOPInstanceUID]}).")
    if status not in (200, 202):
        return Outcome(instance.Modality, FAILED, f"The archive did not store the object (HTTP {status}).")
    if status == 202 and instance.SOPInstanceUID not in _references(response, _STORED):
        return Outcome(instance.Modality, FAILED, "The archive stored a part of what was sent, and this object is not in it.")
    return outcome_after_query(instance, wait_until_found(lambda: _find(session, instance, web, settings), settings.confirm))


def _find(session: requests.Session, instance: Dataset, web: WebArchive, settings: SendSettings) -> bool | None:
    """Whether QIDO-RS finds the object; None if the archive cannot be queried."""
    url = f"{web.url}/studies/{instance.StudyInstanceUID}/series/{instance.SeriesInstanceUID}/instances"
    wanted = {"SOPInstanceUID": instance.SOPInstanceUID}
    try:
        answer = session.get(url, params=wanted, timeout=settings.timeout, allow_redirects=False)
        if answer.status_code == 204:
            return False
        matches = _json(answer) if answer.status_code == 200 else None
    except requests.RequestException:
        return None
    if not isinstance(matches, list):
        return None
    return any(_first(match, _SOP_INSTANCE_UID) == instance.SOPInstanceUID for match in matches)


def _session(web: WebArchive) -> requests.Session:
    session = requests.Session()
    session.headers.update({"User-Agent": f"Pneumo/{__version__}", "Accept": "application/dicom+json"})
    session.stream = True
    # Without encryption, use neither a proxy nor a password from ~/.netrc, as `requests` would by default.
    session.trust_env = web.encrypted

    def with_token(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {web.token}"
        return request

    if web.token:
        session.auth = with_token  # set `auth`, or `requests` would prefer a password from ~/.netrc
    elif web.user:
        session.auth = (web.user, web.password)
    return session


def _json(answer: requests.Response) -> Any:
    """The JSON of a response; None if it is not JSON or too long."""
    try:
        return json.loads(b"".join(islice(answer.iter_content(_CHUNK), _CHUNKS)))
    except ValueError:
        return None


def _references(response: Any, sequence: str) -> dict[str, Any]:
    """{SOP instance UID: failure reason or None} of one sequence in a STOW-RS response; empty for any other data."""
    return {uid: _first(item, _REASON) for item in _values(response, sequence) if isinstance(uid := _first(item, _UID), str)}


def _first(item: Any, tag: str) -> Any:
    """First value of an element; None if it has none."""
    return next(iter(_values(item, tag)), None)


def _values(item: Any, tag: str) -> list[Any]:
    """Values of an element in the DICOM JSON model; empty for any other JSON."""
    element = item.get(tag) if isinstance(item, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []
