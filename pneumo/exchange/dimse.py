"""Results to an archive over C-STORE, then C-FIND for each: did it arrive?"""

from collections.abc import Sequence
from functools import partial

from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, SecondaryCaptureImageStorage
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # names that it makes at import
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from pneumo.errors import ExchangeError
from pneumo.exchange import quiet  # noqa: F401
from pneumo.exchange.outcome import FAILED, Outcome, all_failed, outcome_after_query, wait_until_found
from pneumo.exchange.settings import Archive, SendSettings

_SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
_PENDING = (0xFF00, 0xFF01)
_TAKEN = (0x0000, 0xB000, 0xB006, 0xB007, 0x0111)  # a warning still means stored (PS3.4 B.2.3); 0x0111: it has the object already


def store(objects: Sequence[Dataset], archive: Archive, settings: SendSettings) -> tuple[Outcome, ...]:
    """Send each object and look for it afterwards; one outcome an object, in order. Never raises for what the archive does."""
    try:
        association = _associate(archive, settings, ComprehensiveSRStorage, SecondaryCaptureImageStorage)
    except ExchangeError as error:
        return all_failed(objects, str(error))
    try:
        problems = [_store_one(association, one) for one in objects]
    finally:
        association.release()
    # Asked on a connection of its own: some archives show what they took only after the first is closed.
    taken = [one for one, problem in zip(objects, problems, strict=True) if problem is None]
    found = iter(_look_for(taken, archive, settings))
    return tuple(
        outcome_after_query(one, next(found)) if problem is None else Outcome(one.Modality, FAILED, problem)
        for one, problem in zip(objects, problems, strict=True)
    )


def echo(archive: Archive, settings: SendSettings) -> None:
    """C-ECHO. Raises ExchangeError when the archive does not answer it."""
    association = _associate(archive, settings, Verification)
    try:
        status = association.send_c_echo()
    finally:
        association.release()
    if status.get("Status") != 0x0000:
        raise ExchangeError(f"The archive {archive.ae_title} accepts connections but does not answer C-ECHO.")


def _associate(archive: Archive, settings: SendSettings, *sop_classes: str) -> Association:
    ae = AE(ae_title=settings.ae_title)
    ae.connection_timeout = ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = settings.timeout
    for sop_class in sop_classes:
        ae.add_requested_context(sop_class, _SYNTAXES)
    tls = (settings.tls, archive.host) if settings.tls else None
    association = ae.associate(archive.host, archive.port, ae_title=archive.ae_title, tls_args=tls)
    if association.is_established:
        return association
    where = f"{archive.host}:{archive.port}"
    if association.is_rejected:
        raise ExchangeError(
            f"The archive at {where} refused the connection. "
            f"Check that it is called {archive.ae_title} and knows {settings.ae_title}."
        )
    if association.acceptor.primitive is not None:
        raise ExchangeError(f"The archive at {where} accepts none of the kinds of object that are sent. Ask its administrator.")
    certificates = " Over TLS: check that each side knows the other's certificate, and its date." if settings.tls else ""
    raise ExchangeError(f"The archive at {where} does not answer. Check address, port and network.{certificates}")


def _store_one(association: Association, one: Dataset) -> str | None:
    """Why it was not taken; None when it was."""
    if not association.is_established:
        return "The connection to the archive broke off before this object."
    try:
        status = association.send_c_store(one).get("Status")
    except ValueError:  # no presentation context
        return "The archive does not accept this kind of object. Ask its administrator to allow it."
    except RuntimeError:  # the association ended in between
        status = None
    if status is None:
        return "The connection broke off, or no answer came in time: the object does not count as sent."
    if status in _TAKEN:
        return None
    return f"The archive refused the object (DICOM status 0x{status:04X})."


def _look_for(objects: Sequence[Dataset], archive: Archive, settings: SendSettings) -> list[bool | None]:
    """Whether the archive has each; None for what it does not answer."""
    if not objects:
        return []
    try:
        association = _associate(archive, settings, StudyRootQueryRetrieveInformationModelFind)
    except ExchangeError:
        return [None] * len(objects)
    try:
        return [wait_until_found(partial(_find, association, one), settings.confirm) for one in objects]
    finally:
        association.release()


def _find(association: Association, one: Dataset) -> bool | None:
    query = Dataset()
    query.QueryRetrieveLevel = "IMAGE"
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(query, name, one[name].value)
    if not association.is_established:
        return None
    found, last = False, None
    try:
        # To its end: an unread answer would be taken for one to the next query.
        for status, match in association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind):
            last = status.get("Status")
            found |= last in _PENDING and match is not None and match.get("SOPInstanceUID") == one.SOPInstanceUID
    except (ValueError, RuntimeError):
        return None
    return True if found else False if last == 0x0000 else None
