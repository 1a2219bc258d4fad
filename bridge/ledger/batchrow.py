"""A batch as a row of the ledger, and back."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Row

from bridge.batch import Batch, Counts, Kind, State, Tally
from bridge.errors import Fork
from bridge.ledger.word import read_word

__all__ = ["batch_of", "received_values", "values_of"]

_PARTS = {"tally", "received", "kind", "state"}
_PLAIN = [field.name for field in fields(Batch) if field.name not in _PARTS]
_TALLY = [field.name for field in fields(Tally)]
_COUNTS = [field.name for field in fields(Counts)]


def values_of(batch: Batch) -> dict[str, Any]:
    """Every column of `bh_batch`."""
    plain = {name: getattr(batch, name) for name in _PLAIN}
    words = {"kind": batch.kind.value, "state": batch.state.value}
    return plain | words | asdict(batch.tally) | received_values(batch.received)


def received_values(received: Counts | None) -> dict[str, Any]:
    return {f"received_{name}": getattr(received, name, None) for name in _COUNTS}


def batch_of(row: Row[Any]) -> Batch:
    """Fork where a value is none that the ledger writes."""
    values = row._mapping
    place = values["job"], "bh_batch", values["epoch"], values["seq"]
    kind = read_word(Kind, values["kind"], "kind", *place)
    state = read_word(State, values["state"], "state", *place)
    try:
        received = None
        if values["received_total"] is not None:
            counts = {n: int(values[f"received_{n}"]) for n in _COUNTS if n != "digest"}
            received = Counts(**counts, digest=values["received_digest"])
        return Batch(
            kind=kind,
            state=state,
            tally=Tally(**{name: int(values[name]) for name in _TALLY}),
            received=received,
            **{name: values[name] for name in _PLAIN},
        )
    except (ValueError, TypeError) as error:
        number = f"{values['epoch']}/{values['seq']}"
        raise Fork(
            f"{values['job']}: batch {number} of the ledger holds what was never written there",
            remedy="find out who changed the ledger, and compare it with a backup of the exchange",
        ) from error
