"""Whether a job is still the one whose batches are in the ledger, and what it has become."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.errors import Changed
from bridge.hold import Hold
from bridge.route.mapping import Route
from connectors.changes import RESERVED
from connectors.table import TableName

__all__ = ["refuse_changed"]


def refuse_changed(held: Hold, route: Route, content_hash: str) -> None:
    """Raises Changed if it is not, with what the current copy tells of it."""
    with held.exchange.transaction():
        known = held.ledger().content_hash()
    if known is None or known == content_hash:
        return
    found = f"{held.name}: its columns, key, rules, source or target are not those it began with"
    if what := list(_differences(held, route)):
        found = (
            f"{held.name}: its columns, key, rules, source or target are not those it began with: "
            f"{'; '.join(what)}"
        )
    raise Changed(
        found,
        remedy=f"bridgehead resync {held.name} --why TEXT sends everything again as it is now",
    )


def _differences(held: Hold, route: Route) -> Iterator[str]:
    place = held.exchange.resolve(TableName(f"bh_copy_{held.name}"))
    with held.exchange.transaction():
        begun = held.exchange.exists(place)
    if not begun:
        return
    copy = held.exchange.describe(place)
    before = [name for name in copy.names if name.lower() not in RESERVED]
    now = [column.name for column in route.columns]
    if gone := [name for name in before if name not in now]:
        yield f"it lacks, or may not read any more: {', '.join(gone)}"
    if new := [name for name in now if name not in before]:
        yield f"it has come to share: {', '.join(new)}"
    if not gone and not new and before != now:
        yield f"its columns come in another order: {', '.join(now)}"
    if copy.key and copy.key != route.key:
        yield f"its key is {', '.join(route.key)}, and was {', '.join(copy.key)}"
