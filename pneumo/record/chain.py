"""The log's hash chain: each entry's hash covers the entry and the previous hash, so any later change is detected."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

from pneumo.files import json_sha256

GENESIS = "0" * 64  # the hash before the first entry
CREATE, AGREEMENT, NOTE, REFERENCE, DELETE, PURGE = "create", "agreement", "note", "reference", "delete", "purge"
REMOVALS = (DELETE, PURGE)  # their entries have no digest: nothing of the content remains
CLOCK = "clock"  # no case: a user confirmed the clock after a long gap in the log


@dataclass(frozen=True)
class Entry:
    """A row of the table `audit`."""

    sequence: int  # 1, 2, 3, ...
    time: str
    actor: str
    action: str
    case_id: str  # empty for CLOCK
    digest: str  # of the case after the action; empty for a removal
    previous: str
    hash: str


@dataclass(frozen=True)
class Head:
    """The last entry written; GENESIS at sequence 0 for an empty log."""

    sequence: int = 0
    hash: str = GENESIS


def entry_hash(*content: int | str) -> str:
    """SHA-256 of an entry's fields in their order, without the hash itself, hex."""
    return json_sha256(content)


def following(head: Head, time: str, actor: str, action: str, case_id: str, digest: str) -> Entry:
    content = (head.sequence + 1, time, actor, action, case_id, digest, head.hash)
    return Entry(*content, entry_hash(*content))


@dataclass(frozen=True)
class Verification:
    """Result of verifying the log. `problem` describes the first broken entry or case; None if there is none."""

    entries: int
    cases: int
    head: Head  # the last valid entry
    problem: str | None = None


def verify(entries: Iterable[Entry], digests: dict[str, str], written: Head | None, noted: str | None = None) -> Verification:
    """Check the chain, then the cases against it.

    `entries` by sequence; `digests`: case id -> content digest of every stored case; `written`: the last entry according to
    the database, if known; `noted`: a head hash noted elsewhere earlier.
    """
    head, count, last, hashes_seen = Head(), 0, {}, {GENESIS}
    for entry in entries:
        count += 1
        if problem := _broken(entry, head):
            return Verification(count, len(digests), head, problem)
        head = Head(entry.sequence, entry.hash)
        hashes_seen.add(entry.hash)
        if entry.action != CLOCK:
            last[entry.case_id] = entry
    problem = _cut_off(head, written) or _forgotten(noted, hashes_seen) or _altered(last, digests)
    return Verification(count, len(digests), head, problem)


def _broken(entry: Entry, head: Head) -> str | None:
    expected = head.sequence + 1
    if odd := [field.name for field in fields(Entry) if type(getattr(entry, field.name)) is not field.type]:
        return f"Entry {expected} was altered after it was written: its {odd[0]} has a type that Pneumo does not write."
    if entry.sequence != expected:
        return f"Entry {expected} is missing or moved: after entry {head.sequence} comes entry {entry.sequence}."
    if entry.previous != head.hash:
        return f"Entry {entry.sequence} does not follow entry {head.sequence}: one of the two was replaced, inserted or removed."
    if entry.hash != entry_hash(*astuple(entry)[:-1]):
        return f"Entry {entry.sequence} ({entry.action}, {entry.time}) was altered after it was written: its hash does not fit."
    return None


def _cut_off(head: Head, written: Head | None) -> str | None:
    if written is None:
        return None if head.sequence == 0 else "The row that names the last entry was removed: entries may be missing at the end."
    if type(written.sequence) is not int or type(written.hash) is not str:
        return "The row that names the last entry was altered: Pneumo writes no such values. Entries may be missing."
    if written.sequence > head.sequence:
        return f"Entry {head.sequence + 1} is missing: {written.sequence} were written, the log ends at {head.sequence}."
    if written != head:
        return f"Entry {head.sequence} is not the last one that was written by Pneumo (entry {written.sequence})."
    return None


def _forgotten(noted: str | None, hashes_seen: set[str]) -> str | None:
    if noted is None or noted.strip().lower() in hashes_seen:
        return None
    return f"The noted head {noted.strip()[:64]} is not in the log: the log was truncated or rewritten since then."


def _altered(last: dict[str, Entry], digests: dict[str, str]) -> str | None:
    for case_id, entry in last.items():
        where = f"Case {case_id} (last entry {entry.sequence}, {entry.action}, {entry.time})"
        if entry.action in REMOVALS:
            if case_id in digests:
                return f"{where} was removed, yet a row of that id is there."
        elif case_id not in digests:
            return f"{where} is gone, and no entry says who removed it."
        elif digests[case_id] != entry.digest:
            return f"{where} was altered outside Pneumo: its content does not match that entry."
    for case_id in digests.keys() - last.keys():
        return f"Case {case_id} has no entry in the log: it was added outside Pneumo, or the log lost its entries."
    return None
