"""How a job's columns travel: the job file resolved against the real structure of the stores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.connector import Capabilities
from connectors.table import Column, Fit, Type

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

    def hold_all(self, source: Capabilities) -> bool:
        """Whether no value that the source can hold is beyond these limits."""
        return (
            self.nul_in_text >= source.nul_in_text
            and self.empty_text >= source.empty_text
            and self.infinite_times >= source.infinite_times
            and self.special_floats >= source.special_floats
            and self.special_decimals >= source.special_decimals
            and self.year_low <= source.year_low
            and self.year_high >= source.year_high
        )


@dataclass(frozen=True)
class ColumnRoute:
    """One shared column: the source's column, its name and type at the next two stores, and the
    work to do on the way in. A mask or a code table makes it text."""

    source: Column
    name: str
    exchange: Type
    target: Type
    rule: str | None = None
    mask: str | None = None
    codes: Mapping[str, str] | None = None

    @property
    def needs_work(self) -> bool:
        """Whether a value must be looked at before the exchange may store it."""
        if self.rule or self.mask or self.codes is not None or self.source.charset:
            return True
        stores = (self.exchange.fit(self.source.type), self.target.fit(self.exchange))
        return stores != (Fit.EXACT, Fit.EXACT)


@dataclass(frozen=True)
class Route:
    """All shared columns of a job, the names of its key columns at the exchange, and what the
    stores at either end of them can hold."""

    columns: tuple[ColumnRoute, ...]
    key: tuple[str, ...]
    limits: Limits

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
    def needs_work(self) -> bool:
        return any(column.needs_work for column in self.columns)

    def structure_hash(self, content_hash: str) -> str:
        """The content hash of the job as it really travels: its file's, with every column's name
        and type. A column that changes at the source changes it."""
        columns = [[c.source.name, c.name, str(c.exchange)] for c in self.columns]
        text = json.dumps([content_hash, columns, self.key], ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()
