"""Do the books add up? Both sides' records as they were read, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tests.oracle.finding import Finding

__all__ = [
    "IMAGES",
    "audit_chain",
    "balance",
    "batch_hash",
    "chain",
    "moves",
    "place_of",
    "position",
    "quarantined",
    "received",
    "sent_total",
    "waived",
    "windows",
]

Record = dict[str, Any]
ZEROS = "0" * 64
IMAGES = ("first", "resync")
COUNTS = ["deleted", "gone", "inserted", "late", "quarantined", "read", "superseded"]
COUNTS += ["unchanged", "updated"]
MEASURED = ("total", "inserted", "updated", "deleted", "digest")
MOVES = {
    None: ("sealed", "held"),
    "sealed": ("applied", "held", "waived", "purged"),
    "applied": ("reconciled", "deviated"),
    "reconciled": ("purged",),
    "deviated": ("reconciled", "waived"),
    "held": ("sealed", "waived", "purged"),
    "waived": ("reconciled", "purged"),
    "purged": (),
}


def place_of(record: Record) -> tuple[int, int]:
    return int(record["epoch"]), int(record["seq"])


def spelled(record: Record) -> str:
    return f"{record['epoch']}/{record['seq']}"


def batch_hash(batch: Record) -> str:
    """SHA-256 over the canonical JSON of everything sealed (docs/guarantees.md, I4)."""
    plain = ("department", "job", "epoch", "seq", "prev_hash", "content_hash", "kind", "digest")
    sealed: Record = {name: batch[name] for name in plain}
    sealed["window"] = [_instant(batch["window_low"]), _instant(batch["window_high"])]
    sealed["keys"] = [batch["key_low"], batch["key_high"]]
    sealed["last"] = bool(batch["last"])
    sealed["counts"] = {name: batch[name] for name in COUNTS}
    return _hashed(sealed)


def sent_total(batch: Record) -> int:
    third = "unchanged" if batch["kind"] in IMAGES else "deleted"
    return int(batch["inserted"] + batch["updated"] + batch[third])


# -- the sender's ----------------------------------------------------------------------------------


def chain(
    batches: Sequence[Record], receipts: Sequence[Record], job: Record | None
) -> Iterator[Finding]:
    """Numbers without a hole, each naming the one before it, each what was sealed; an epoch begins
    where the receiver stood."""
    known = {ZEROS} | {r["batch_hash"] for r in receipts}
    head, epoch, seq = ZEROS, 1, 0
    for batch in batches:
        at = spelled(batch)
        if batch["epoch"] != epoch:
            epoch, seq, head = batch["epoch"], 0, batch["prev_hash"]
            if head not in known:
                yield Finding("fork", f"epoch {epoch} hangs on a hash that was never sealed")
        if batch["seq"] != seq + 1:
            yield Finding("gap", f"{at} follows {epoch}/{seq}")
        elif batch["prev_hash"] != head:
            yield Finding("fork", f"{at} does not name the batch before it")
        if batch_hash(batch) != batch["batch_hash"]:
            yield Finding("fork", f"{at} is not what was sealed")
        seq, head = batch["seq"], batch["batch_hash"]
        known.add(head)
    if job is not None and batches:
        yield from _current(batches, job)


def _current(batches: Sequence[Record], job: Record) -> Iterator[Finding]:
    """What is kept of the job beside its batches."""
    newest = batches[-1]
    if job["epoch"] < newest["epoch"]:
        yield Finding("fork", f"the job is in epoch {job['epoch']}, its batches in a later one")
    first = next(b for b in batches if b["epoch"] == newest["epoch"])
    anchored = first["seq"] == 1 and job["epoch"] == newest["epoch"]
    if anchored and first["prev_hash"] != job["anchor_hash"]:
        yield Finding("fork", f"epoch {job['epoch']} does not hang on its anchor")


def balance(batch: Record) -> Iterator[Finding]:
    """I7, and that what is called reconciled is."""
    used = ("inserted", "updated", "deleted", "unchanged", "superseded", "quarantined")
    residual = batch["read"] + batch["gone"] - sum(batch[name] for name in used)
    if residual:
        yield Finding("books", f"{spelled(batch)}: {residual} rows are unaccounted for")
    if any(batch[name] < 0 for name in COUNTS) or batch["late"] > batch["read"]:
        yield Finding("books", f"{spelled(batch)}: a count that cannot be")
    if batch["kind"] == "empty" and sent_total(batch):
        yield Finding("books", f"{spelled(batch)}: an empty batch with changes")
    if (batch["state"], batch["deviation"]) == ("reconciled", 0) and not _agrees(batch):
        yield Finding("falsely_reconciled", f"{spelled(batch)}: other than what was sent")


def _agrees(batch: Record) -> bool:
    if (sent_total(batch), batch["digest"]) != (batch["received_total"], batch["received_digest"]):
        return False
    names = () if batch["kind"] in IMAGES else ("inserted", "updated", "deleted")
    return all(batch[name] == batch[f"received_{name}"] for name in names)


def windows(batches: Sequence[Record]) -> Iterator[Finding]:
    """Within an epoch: from the beginning of time on without a hole, the parts of a window by their
    keys without one, images before changes, and one configuration."""
    by_epoch: dict[int, list[Record]] = defaultdict(list)
    for batch in batches:
        by_epoch[batch["epoch"]].append(batch)
    for epoch, members in by_epoch.items():
        if len({batch["content_hash"] for batch in members}) > 1:
            yield Finding("books", f"epoch {epoch} was made by more than one configuration")
        read = [batch for batch in members if batch["kind"] != "repair"]
        if read and read[0]["seq"] == 1 and read[0]["window_low"] is not None:
            yield Finding("books", f"epoch {epoch} does not begin at the beginning of time")
        for before, after in pairwise(read):
            if not _follows(before, after):
                yield Finding("books", f"{spelled(after)} leaves a hole after {spelled(before)}")
            if after["kind"] in IMAGES and (before["last"] or before["kind"] != after["kind"]):
                yield Finding("order", f"{spelled(after)} is an image behind {spelled(before)}")


def _follows(before: Record, after: Record) -> bool:
    low, high = _instant(after["window_low"]), _instant(after["window_high"])
    until = _instant(before["window_high"])
    if before["last"]:
        return (low is None or low <= str(until)) and str(until) <= str(high)
    window = (_instant(before["window_low"]), until, before["key_high"])
    return window == (low, high, after["key_low"])


def moves(batches: Sequence[Record], events: Sequence[Record]) -> Iterator[Finding]:
    """Every state was reached by legal moves, in the order of the batches, by one writer after
    another. `events` in the order in which they were written."""
    states: dict[tuple[int, int], str | None] = {}
    newest, token = (0, 0), 0
    for event in events:
        at, after = place_of(event), event["after"]
        if states.get(at) != event["before"] or after not in MOVES[event["before"]]:
            yield Finding("books", f"{spelled(event)} went from {states.get(at)} to {after}")
        if after == "applied" and at < newest:
            yield Finding("order", f"{spelled(event)} was applied after {newest}")
        if event["token"] < token:
            yield Finding("order", f"{spelled(event)}: a run wrote that had lost its job")
        newest = max(newest, at) if after == "applied" else newest
        states[at], token = after, max(token, event["token"])
    for batch in batches:
        if states.get(place_of(batch)) != batch["state"]:
            yield Finding("books", f"{spelled(batch)} is {batch['state']}, and no move led there")


def waived(batches: Sequence[Record], entries: Sequence[Record]) -> Iterator[Finding]:
    """What somebody answers for deviates or never left, and the audit log says who and why."""
    said = {(entry["job"], entry["details"]) for entry in entries if entry["action"] == "waive"}
    given = {
        (job, details["batch_hash"], *place_of(details), details["rows"])
        for job, details in ((job, json.loads(text)) for job, text in said)
        if details["why"]
    }
    for batch in batches:
        if batch["state"] != "waived":
            continue
        rows = batch["deviation"]
        if batch["received_total"] is None:
            rows = batch["inserted"] + batch["updated"] + batch["deleted"]
        elif _agrees(batch) or not rows:
            yield Finding("books", f"{spelled(batch)} is waived, and does not deviate")
        if (batch["job"], batch["batch_hash"], *place_of(batch), rows) not in given:
            yield Finding("audit", f"{spelled(batch)} is waived, and nobody says so")


def quarantined(batches: Sequence[Record], entries: Sequence[Record]) -> Iterator[Finding]:
    """One open entry a key; those that only one batch has seen are among that batch's count."""
    opened = Counter(entry["key"] for entry in entries if entry["open_key"] is not None)
    for times in opened.values():
        if times > 1:
            yield Finding("quarantine", f"a key has {times} open entries")
    counted = {place_of(batch): batch["quarantined"] for batch in batches}
    once = Counter(place_of(entry) for entry in entries if entry["seen"] == 1)
    for at, times in once.items():
        if times > counted.get(at, 0):
            yield Finding("quarantine", f"{at}: {times} rows were set aside there, unaccounted for")


def audit_chain(entries: Sequence[Record]) -> Iterator[Finding]:
    """Entry 0 is the anchor; every other one is what was written, behind the one before it."""
    for before, entry in pairwise(entries):
        if entry["number"] != before["number"] + 1:
            yield Finding("audit", f"{entry['number']} follows {before['number']}")
        elif entry["prev_hash"] != before["hash"]:
            yield Finding("audit", f"{entry['number']} does not name the entry before it")
        written = {name: entry[name] for name in entry if name != "hash"}
        if _hashed(written | {"at": _instant(entry["at"])}) != entry["hash"]:
            yield Finding("audit", f"{entry['number']} is not what was written")


# -- the receiver's --------------------------------------------------------------------------------


def received(
    batches: Sequence[Record], receipts: Sequence[Record], written: Sequence[tuple[int, int]]
) -> Iterator[Finding]:
    """One receipt for each batch that was acknowledged, of that batch, as the ledger noted it, in
    the order of the batches. `written` is the order in which they really came."""
    if list(written) != sorted(written):
        yield Finding("order", "a batch was applied after a later one")
    by_place = {place_of(receipt): receipt for receipt in receipts}
    if len(by_place) != len(receipts):
        yield Finding("receipt", "one batch has two receipts")
    for index, batch in enumerate(batches):
        receipt = by_place.get(place_of(batch))
        if receipt is not None and receipt["batch_hash"] != batch["batch_hash"]:
            yield Finding("fork", f"{spelled(batch)}: the receipt is of another batch")
        elif receipt is not None and receipt["verdict"] == "reconciled":
            yield from _agreed(batch, receipt)
        if batch["received_total"] is None or (receipt is None and _rewound(batches, index)):
            continue
        if receipt is None:
            yield Finding("receipt", f"{spelled(batch)} is acknowledged, and has no receipt")
        elif any(receipt[name] != batch[f"received_{name}"] for name in MEASURED):
            yield Finding("receipt", f"{spelled(batch)}: the receipt is not what the ledger noted")
    yield from _sequence(batches, [by_place[at] for at in sorted(by_place)])


def _agreed(batch: Record, receipt: Record) -> Iterator[Finding]:
    names = () if batch["kind"] in IMAGES else ("inserted", "updated", "deleted")
    wrong = any(batch[name] != receipt[name] for name in ("digest", *names))
    if wrong or sent_total(batch) != receipt["total"]:
        yield Finding("falsely_reconciled", f"{spelled(batch)}: the receiver's verdict is wrong")


def _rewound(batches: Sequence[Record], index: int) -> bool:
    """Whether a later epoch hangs on what came before that batch: the receiver was restored."""
    epoch = batches[index]["epoch"]
    earlier = {ZEROS} | {batch["batch_hash"] for batch in batches[:index]}
    return any(b["seq"] == 1 and b["epoch"] > epoch and b["prev_hash"] in earlier for b in batches)


def _sequence(batches: Sequence[Record], receipts: Sequence[Record]) -> Iterator[Finding]:
    """Each batch was applied on the one that it names; one that the ledger does not know is what
    the next one names, if the ledger was restored."""
    known = {place_of(batch): batch for batch in batches}
    head = ZEROS
    for number, receipt in enumerate(receipts, 1):
        following = receipts[number] if number < len(receipts) else None
        batch = known.get(place_of(receipt))
        if batch is not None and batch["prev_hash"] not in (head, ZEROS):
            yield Finding("order", f"{spelled(receipt)} was not applied on what it names")
        if batch is None and not _is_lost_end(receipt, following, batches):
            yield Finding("gap", f"the target has a receipt of {spelled(receipt)}, unknown here")
        head = receipt["batch_hash"]


def _is_lost_end(receipt: Record, following: Record | None, batches: Sequence[Record]) -> bool:
    """Of an epoch that has ended, behind all that the ledger still has of it."""
    later = [batch for batch in batches if batch["epoch"] > receipt["epoch"]]
    kept = [b["seq"] for b in batches if b["epoch"] == receipt["epoch"]]
    if not later or receipt["seq"] <= max(kept, default=0):
        return False
    if following is not None and following["epoch"] == receipt["epoch"]:
        return True
    return bool(later[0]["prev_hash"] == receipt["batch_hash"])


def position(found: Iterable[Record], receipts: Sequence[Record]) -> Iterator[Finding]:
    """The receiver stands where its last receipt is."""
    newest = receipts[-1] if receipts else {"epoch": 0, "seq": 0, "batch_hash": ZEROS}
    stands = [(*place_of(row), row["head_hash"]) for row in found]
    wanted = (*place_of(newest), newest["batch_hash"])
    if stands != [wanted] and (stands or receipts):
        yield Finding("gap", f"the target stands at {stands}, its last receipt {wanted[:2]}")


# -- pieces ----------------------------------------------------------------------------------------


def _hashed(record: Record) -> str:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _instant(value: Any) -> str | None:
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
