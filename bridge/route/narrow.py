"""Which columns of a target table cannot hold what comes by now: an image would set aside what does
not fit, and delete it there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bridge.route.mapping import ColumnRoute, Route
from connectors.table import Fit, Kind, Table, Type

__all__ = ["narrow_columns", "narrowed_columns"]


def narrow_columns(route: Route, existing: Table) -> tuple[str, ...]:
    """Those of a table of ours that are narrower than `route` would make them now."""
    there = {name: existing.column(name).type for name in existing.names}
    shared = (c for c in route.columns if c.name in there)
    return _narrow((c, c.target, there[c.name]) for c in shared)


def narrowed_columns(route: Route, copy: Table) -> tuple[str, ...]:
    """Those of a table that was taken over, to whose types `route` leads. They may be narrower than
    what comes; not so where they held all that came when the current copy was made."""
    known = (c for c in route.columns if c.name in copy.names)
    fitted = (c for c in known if c.target.fit(copy.column(c.name).type) is Fit.EXACT)
    return _narrow((c, c.exchange, c.target) for c in fitted)


def _narrow(columns: Iterable[tuple[ColumnRoute, Type, Type]]) -> tuple[str, ...]:
    """Of a type of a family's own no type says what it has become."""
    coming = ((c.name, _as_long_as_can_be(c, kind, there), there) for c, kind, there in columns)
    return tuple(
        f"column {name} is {there}, and {comes} comes"
        for name, comes, there in coming
        if comes.kind is not Kind.NATIVE and there.fit(comes) is Fit.CHECKED
    )


def _as_long_as_can_be(column: ColumnRoute, kind: Type, there: Type) -> Type:
    """What a mask or a code table makes has no length of its own."""
    if column.codes is not None:
        longest: int | None = max(map(len, column.codes.values()), default=1)
    elif column.mask:
        # Only here, since it costs a quarter of a second to load.
        from bridge.transform.mask import longest_masked

        longest = longest_masked(column.mask, column.source.type.length)
    else:
        return kind
    return replace(kind, length=longest, padded=there.padded)
