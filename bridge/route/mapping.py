"""How a job's columns travel: the job file resolved against the real structure of the stores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.connector import Capabilities
from connectors.table import Column, Fit, Kind, Type

__all__ = ["ColumnRoute", "Limits", "Route"]


@dataclass(frozen=True)
class Limits:
    """Values that the exchange or the target cannot hold whatever the column's type: the stricter
    of the two stores' capabilities."""

    nul_in_text: bool
    infinite_times: bool
    special_floats: bool
    special_decimals: bool
    year_low: int
    year_high: int
    empty_text: bool = True
    unreal_dates: bool = False
    long_times: bool = False

    def hold_all(self, store: Capabilities, kinds: set[Kind]) -> bool:
        """Whether no value of these kinds that the store can hold is beyond these limits."""
        checks = {
            (Kind.TEXT, Kind.NATIVE, Kind.JSON): self.nul_in_text >= store.nul_in_text
            and self.empty_text >= store.empty_text,
            (Kind.BINARY,): self.empty_text >= store.empty_text,
            (Kind.FLOAT,): self.special_floats >= store.special_floats,
            (Kind.DECIMAL,): self.special_decimals >= store.special_decimals,
            (Kind.TIME,): self.long_times >= store.long_times,
            (Kind.DATE, Kind.TIMESTAMP): self.infinite_times >= store.infinite_times
            and self.unreal_dates >= store.unreal_dates
            and self.year_low <= store.year_low
            and self.year_high >= store.year_high,
        }
        return all(holds for concerned, holds in checks.items() if kinds.intersection(concerned))


@dataclass(frozen=True)
class ColumnRoute:
    """One shared column: the source's column, its name and type at the next two stores, and the
    work to do on the way in. A mask or a code table makes it text. `allowed`: a pattern of the only
    texts that the target's column takes, if its type does not say it all. `required`: it takes no
    NULL, and the source may have one."""

    source: Column
    name: str
    exchange: Type
    target: Type
    rule: str | None = None
    mask: str | None = None
    codes: Mapping[str, str] | None = None
    allowed: str = ""
    required: bool = False

    @property
    def brings_uuids(self) -> bool:
        """Whether nothing but UUIDs comes, though the exchange may keep them as text."""
        return self.source.type.kind is Kind.UUID and not self.mask and self.codes is None

    @property
    def needs_work(self) -> bool:
        """Whether a value must be looked at before the exchange may store it."""
        if self.rule or self.mask or self.codes is not None or self.source.charset:
            return True
        if self.allowed or self.required:
            return True
        stores = (self.exchange.fit(self.source.type), self.target.fit(self.exchange))
        return stores != (Fit.EXACT, Fit.EXACT)


@dataclass(frozen=True)
class Route:
    """All shared columns of a job, the names of its key columns at the exchange, and what the
    stores at either end of them can hold. `key_bytes`: how many an index takes of a key's texts
    together, where they may have more."""

    columns: tuple[ColumnRoute, ...]
    key: tuple[str, ...]
    limits: Limits
    key_bytes: int | None = None

    @property
    def exchange_columns(self) -> tuple[Column, ...]:
        return tuple(
            Column(c.name, c.exchange, c.name not in self.key, comment=c.source.comment)
            for c in self.columns
        )

    @property
    def target_columns(self) -> tuple[Column, ...]:
        return tuple(
            Column(c.name, c.target, c.name not in self.key, comment=c.source.comment)
            for c in self.columns
        )

    @property
    def narrow_columns(self) -> tuple[str, ...]:
        """Those of the target that hold less than the exchange does, and what they hold."""
        found = [(c.name, "NOT NULL") for c in self.columns if c.required]
        found += [
            (c.name, str(c.target))
            for c in self.columns
            if c.target.fit(c.exchange) is not Fit.EXACT
        ]
        return tuple(f"{name} ({holds})" for name, holds in found)

    @property
    def needs_work(self) -> bool:
        return any(column.needs_work for column in self.columns)

    def needs_no_look(self, source: Capabilities, exchange: Capabilities) -> bool:
        """Whether rows may go into the exchange unseen: it and the target hold all that the source
        can hold, or the exchange refuses the rest itself, and holds nothing that the target does
        not."""
        kinds = {column.source.type.kind for column in self.columns}
        kinds |= {column.exchange.kind for column in self.columns}
        refused = exchange.strict and self.limits.hold_all(exchange, kinds)
        return not self.needs_work and (refused or self.limits.hold_all(source, kinds))

    def structure_hash(self, content_hash: str, cursor: Type | None = None) -> str:
        """The content hash of the job as it really travels: its file's, with every column's name
        and type, and that of a cursor which is kept beside them. A column that changes at the
        source changes it."""
        columns = [[c.source.name, c.name, str(c.exchange)] for c in self.columns]
        beside = [] if cursor is None else [str(cursor)]
        text = json.dumps([content_hash, columns, self.key, *beside], ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()
