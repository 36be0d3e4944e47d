"""Send results to an archive with C-STORE, then confirm each with C-FIND."""

from collections.abc import Sequence
from functools import partial

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # defined at import
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from pneumo.errors import ExchangeError
from pneumo.exchange import quiet  # noqa: F401
from pneumo.exchange.outcome import FAILED, Outcome, all_failed, outcome_after_query, wait_until_found
from pneumo.exchange.settings import Archive, SendSettings

_SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
_PENDING = (0xFF00, 0xFF01)
_STORED = (0x0000, 0xB000, 0xB006, 0xB007, 0x0111)  # warnings mean stored, too (PS3.4 B.2.3); 0x0111: duplicate


def store(objects: Sequence[Dataset], archive: Archive, settings: SendSettings) -> tuple[Outcome, ...]:
    """Send all objects, then query for each. Returns one outcome per object, in order. Never raises because of the archive."""
    try:
        association = _associate(archive, settings, *dict.fromkeys(instance.SOPClassUID for instance in objects))
    except ExchangeError as error:
        return all_failed(objects, str(error))
    try:
        problems = [_store_one(association, instance) for instance in objects]
    finally:
        association.release()
    # Query on a new connection: some archives show stored objects only after the sending connection is closed.
    stored = [instance for instance, problem in zip(objects, problems, strict=True) if problem is None]
    present = iter(_query(stored, archive, settings))
    return tuple(
        outcome_after_query(instance, next(present)) if problem is None else Outcome(instance.Modality, FAILED, problem)
        for instance, problem in zip(objects, problems, strict=True)
    )


def echo(archive: Archive, settings: SendSettings) -> None:
    """Test the connection with C-ECHO. Raises ExchangeError if the archive does not answer."""
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
    address = f"{archive.host}:{archive.port}"
    if association.is_rejected:
        raise ExchangeError(
            f"The archive at {address} refused the connection. "
            f"Check that it is called {archive.ae_title} and knows {settings.ae_title}."
        )
    if association.acceptor.primitive is not None:
        raise ExchangeError(f"The archive at {address} accepts none of the kinds of object that are sent. Ask its administrator.")
    certificates = " Over TLS: check that each side knows the other's certificate, and its date." if settings.tls else ""
    raise ExchangeError(f"The archive at {address} does not answer. Check address, port and network.{certificates}")


def _store_one(association: Association, instance: Dataset) -> str | None:
    """Send one object. Returns why it was not stored, or None if it was."""
    if not association.is_established:
        return "The connection to the archive broke off before this object."
    try:
        status = association.send_c_store(instance).get("Status")
    except ValueError:  # no presentation context
        return "The archive does not accept this kind of object. Ask its administrator to allow it."
    except RuntimeError:  # the association ended
        status = None
    if status is None:
        return "The connection broke off, or no answer came in time: the object does not count as sent."
    if status in _STORED:
        return None
    return f"The archive refused the object (DICOM status 0x{status:04X})."


def _query(objects: Sequence[Dataset], archive: Archive, settings: SendSettings) -> list[bool | None]:
    """Whether the archive has each object; None if it does not answer the query."""
    if not objects:
        return []
    try:
        association = _associate(archive, settings, StudyRootQueryRetrieveInformationModelFind)
    except ExchangeError:
        return [None] * len(objects)
    try:
        return [wait_until_found(partial(_is_present, association, instance), settings.confirm) for instance in objects]
    finally:
        association.release()


def _is_present(association: Association, instance: Dataset) -> bool | None:
    """One C-FIND at IMAGE level; None if the archive cannot be asked."""
    query = Dataset()
    query.QueryRetrieveLevel = "IMAGE"
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(query, name, instance[name].value)
    if not association.is_established:
        return None
    present, last_status = False, None
    try:
        # Read all responses: a response left unread would be mistaken for one to the next query.
        for status, match in association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind):
            last_status = status.get("Status")
            present |= last_status in _PENDING and match is not None and match.get("SOPInstanceUID") == instance.SOPInstanceUID
    except (ValueError, RuntimeError):
        return None
    return True if present else False if last_status == 0x0000 else None
