"""What a login may do at a MariaDB or MySQL server, by its grants and those of its roles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from connectors.connector import Connector

__all__ = ["STAGES", "Grants", "covers", "lacking", "read_grants"]

Grants = Sequence[tuple[list[str], str]]
"""Rights, and the object that they are on: `*.*`, `shop.*`, `shop.t`, with % and _."""

_ON_A_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE")
STAGES = ("CREATE TEMPORARY TABLES",)
_ON_A_DATABASE = ("CREATE", "DROP", "ALTER", "INDEX", "CREATE VIEW", *STAGES, *_ON_A_TABLE)
_GRANT = re.compile(r"GRANT (.+?) ON (?:TABLE )?(\S.*?) TO ", re.IGNORECASE)


def read_grants(session: Connector) -> Grants:
    """A grant on single columns bears them in its right, and so gives none of a table's."""
    found = (_GRANT.match(str(line)) for (line,) in session.rows("SHOW GRANTS"))
    return [
        ([right.strip().upper() for right in match[1].split(",")], match[2].replace("`", ""))
        for match in found
        if match
    ]


def lacking(
    grants: Grants, database: str, table: str | None, needed: Iterable[str] = ()
) -> list[str]:
    """The rights that are `needed`, else those on a table that is filled, or to make and fill
    tables, and are not given."""
    place = f"{database}.{table or '*'}"
    given = {right for rights, on in grants if covers(on, place) for right in rights}
    needed = needed or (_ON_A_TABLE if table else _ON_A_DATABASE)
    return [] if "ALL PRIVILEGES" in given else [right for right in needed if right not in given]


def covers(on: str, place: str) -> bool:
    """Whether the object of a grant holds a place."""
    database, _, table = on.partition(".")
    of, _, wanted = place.partition(".")
    pattern = re.escape(database.replace("\\_", "\0").replace("\\%", "\1"))
    pattern = pattern.replace("_", ".").replace("%", ".*").replace("\0", "_").replace("\1", "%")
    fits = database == "*" or re.fullmatch(pattern, of) is not None
    return fits and (table == "*" or table == wanted)
