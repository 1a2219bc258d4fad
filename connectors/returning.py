"""Classify and apply in one pass, where a changing statement may return rows to another (a CTE).

What `changes.py` and `effects.py` do in several statements, each joining the same sets again, takes
one here. The effect is the same, and the conformance suite holds both to it.
"""

from __future__ import annotations

from connectors.changes import CURSOR, EPOCH, GONE, OPERATION, SEQ, STAGE, Changes
from connectors.dialect import Statement
from connectors.effects import Effects

__all__ = ["advance", "replace_rows"]


def advance(changes: Changes, epoch: int, seq: int) -> list[Statement]:
    """The copy takes what is staged and differs, loses the gone keys, and each touched row leaves
    its change row. `xmax` is 0 in a row that was inserted, and not in one that was there."""
    d = changes.dialect
    names = [c.name for c in changes.columns]
    into = [*names, *([CURSOR] if changes.cursor else []), EPOCH, SEQ]
    stamp = f"{d.placeholder}, {d.placeholder}"
    change = f"INSERT INTO {d.table(changes.change)} ({d.columns([EPOCH, SEQ, OPERATION])}, "
    key = d.columns(changes.key)
    return [
        Statement(
            f"WITH touched AS (\n"
            f"INSERT INTO {d.table(changes.copy)} AS c ({d.columns(into)})\n"
            f"SELECT {d.columns(into[:-2])}, {stamp}\n"
            f"FROM {d.quote(STAGE)}\n"
            f"ON CONFLICT ({key}) {_on_conflict(changes, into)}\n"
            f"RETURNING {d.columns(names, 'c')}, c.xmax = 0 AS bh_new)\n"
            f"{change}{d.columns(names)})\n"
            f"SELECT {stamp}, CASE WHEN bh_new THEN 'I' ELSE 'U' END, {d.columns(names)}\n"
            f"FROM touched",
            (epoch, seq, epoch, seq),
        ),
        Statement(
            f"WITH touched AS (\n"
            f"DELETE FROM {d.table(changes.copy)} AS c\n"
            f"USING {d.quote(GONE)} g\n"
            f"WHERE {d.match('c', 'g', changes.key)}\n"
            f"RETURNING {d.columns(changes.key, 'c')})\n"
            f"{change}{key})\n"
            f"SELECT {stamp}, 'D', {key}\n"
            f"FROM touched",
            (epoch, seq),
        ),
        *changes.refresh_cursor(),
    ]


def _on_conflict(changes: Changes, into: list[str]) -> str:
    d = changes.dialect
    values = [c for c in changes.columns if c.name not in changes.key]
    if not values:
        return "DO NOTHING"
    sets = [
        f"{d.quote(name)} = {d.column('excluded', name)}"
        for name in into
        if name not in changes.key
    ]
    differs = [
        d.differs(d.column("c", c.name), d.column("excluded", c.name), c.type) for c in values
    ]
    return f"DO UPDATE SET {', '.join(sets)}\nWHERE {' OR '.join(differs)}"


def replace_rows(effects: Effects) -> list[Statement]:
    """For an owned table: delete the staged keys, remembering which were there, then insert."""
    d = effects.dialect
    key = d.columns(effects.key)
    return [
        Statement(
            f"WITH touched AS (\n"
            f"DELETE FROM {d.table(effects.table)} AS t\n"
            f"USING {d.table(effects.incoming_table)} i\n"
            f"WHERE {d.match_keys('t', 'i', effects.key_columns)}\n"
            f"RETURNING {d.columns(effects.key, 't')})\n"
            f"INSERT INTO {d.table(effects.present_table)} ({key})\n"
            f"SELECT {key}\n"
            f"FROM touched"
        ),
        effects.insert_staged(),
    ]
