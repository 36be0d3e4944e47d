"""Results to an archive over DICOMweb: STOW-RS, then QIDO-RS for each: did it arrive?"""

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

_CHUNK, _CHUNKS = 65536, 64  # of an answer at most 4 MB are read
_STORED, _FAILED, _UID, _REASON = "00081199", "00081198", "00081155", "00081197"  # PS3.18 table I.2.1-1
_SOP_INSTANCE_UID = "00080018"
_DUPLICATE = 0x0111  # it has the object already (PS3.7 C.5.5)


def store(objects: Sequence[Dataset], web: WebArchive, settings: SendSettings) -> tuple[Outcome, ...]:
    """Send all in one request and look for each afterwards; one outcome an object, in order. Never raises for what comes back."""
    boundary = uuid.uuid4().hex
    parts = [b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n" % (boundary.encode(), file_bytes(one)) for one in objects]
    kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
    with _session(web) as session:
        try:
            answer = session.post(
                f"{web.url}/studies",
                data=b"".join(parts) + b"--%s--\r\n" % boundary.encode(),
                headers={"Content-Type": kind, "Accept": "application/dicom+json"},
                timeout=settings.timeout,
                allow_redirects=False,  # neither images nor the password go anywhere else
                stream=True,
            )
            said = _json(answer) if answer.status_code in (200, 202, 409) else None
        except requests.RequestException:
            return all_failed(objects, "The archive does not answer, or broke off: nothing counts as sent. Check PNEUMO_STOW_URL.")
        return tuple(_outcome(session, one, answer.status_code, said, web, settings) for one in objects)


def _outcome(session: requests.Session, one: Dataset, status: int, said: Any, web: WebArchive, settings: SendSettings) -> Outcome:
    if status in (401, 403):
        return Outcome(one.Modality, FAILED, f"The archive did not accept the user or token (HTTP {status}).")
    refusals = _references(said, _FAILED)
    if refusals.get(one.SOPInstanceUID) == _DUPLICATE:
        return outcome_after_query(one, wait_until_found(lambda: _find(session, one, web, settings), settings.confirm))
    if one.SOPInstanceUID in refusals:
        return Outcome(one.Modality, FAILED, f"The archive refused the object (reason {refusals[one.SOPInstanceUID]}).")
    if status not in (200, 202):
        return Outcome(one.Modality, FAILED, f"The archive did not store the object (HTTP {status}).")
    if status == 202 and one.SOPInstanceUID not in _references(said, _STORED):
        return Outcome(one.Modality, FAILED, "The archive stored a part of what was sent, and this object is not in it.")
    return outcome_after_query(one, wait_until_found(lambda: _find(session, one, web, settings), settings.confirm))


def _find(session: requests.Session, one: Dataset, web: WebArchive, settings: SendSettings) -> bool | None:
    """Whether QIDO-RS shows the object; None where it cannot be asked."""
    place = f"{web.url}/studies/{one.StudyInstanceUID}/series/{one.SeriesInstanceUID}/instances"
    try:
        answer = session.get(
            place,
            params={"SOPInstanceUID": one.SOPInstanceUID},
            headers={"Accept": "application/dicom+json"},
            timeout=settings.timeout,
            allow_redirects=False,
            stream=True,
        )
        if answer.status_code == 204:
            return False
        matches = _json(answer) if answer.status_code == 200 else None
    except requests.RequestException:
        return None
    if not isinstance(matches, list):
        return None
    return any(_first(match, _SOP_INSTANCE_UID) == one.SOPInstanceUID for match in matches)


def _session(web: WebArchive) -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = f"Pneumo/{__version__}"
    # Without encryption neither a proxy nor a password of ~/.netrc, which `requests` would find by itself.
    session.trust_env = web.encrypted
    if web.token:
        session.auth = _Bearer(web.token)  # as `auth`, so that no other file's password takes its place
    elif web.user:
        session.auth = (web.user, web.password)
    return session


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str):
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _json(answer: requests.Response) -> Any:
    """The answer's JSON; None for anything else, and for what goes on too long."""
    try:
        return json.loads(b"".join(islice(answer.iter_content(_CHUNK), _CHUNKS)))
    except ValueError:
        return None


def _references(said: Any, sequence: str) -> dict[str, Any]:
    """{SOP instance UID: failure reason or None} of one sequence in a STOW-RS answer; empty for what is no such answer."""
    return {uid: _first(item, _REASON) for item in _values(said, sequence) if isinstance(uid := _first(item, _UID), str)}


def _first(item: Any, tag: str) -> Any:
    """First value of an element; None where there is none."""
    return next(iter(_values(item, tag)), None)


def _values(item: Any, tag: str) -> list[Any]:
    """Values of an element in the DICOM JSON model; none where the JSON is anything else."""
    element = item.get(tag) if isinstance(item, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []
