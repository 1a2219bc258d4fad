"""A table of one type, carried through the life of a job: the type stands in its key, where it may,
and in a column beside it.

Each row also says in plain numbers which key and which value it bears. So a plain driver can tell
from outside whether every row still has its own key and value at the target, whatever a store makes
of the type.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias
from unittest.mock import patch

import MySQLdb
import psycopg

from bridge.capture import sweep
from bridge.comparison import reconcile_job
from bridge.run import Outcome
from connectors.table import Kind, Type
from tests.conformance.natives import PREPARED, Native
from tests.oracle import Finding, Place
from tests.scenario.world import CAPTURES, ROLES, World

__all__ = ["Carried", "carry"]

_PART_ROWS = 2
_NUMBERS = (1, 2, 3)
_NULL = -1
_MAY_BE_TOO_LONG = 100
_STAMPS = {"postgresql": "timestamp", "mysql": "datetime(6)", "sqlite": "TIMESTAMP"}
_AS_TEXT = {
    "postgresql": "{}::text",
    "mysql": "HEX(CAST({} AS BINARY))",
    "sqlite": "quote({})",
}
_ServerError = (sqlite3.Error, psycopg.Error, MySQLdb.Error)

Key: TypeAlias = tuple[int, int]
"""A key in plain numbers: which value, and which of the rows that bear it."""
Said: TypeAlias = tuple[int, str]
"""Which value stands beside the key, and the row's name."""


@dataclass
class Carried:
    """What came of a life. `as_key`: the type stood in the key. `rows`: how many the source had at
    most; `aside`: how many were rightly set aside of those that it had in the end."""

    as_key: bool = True
    rows: int = 0
    aside: int = 0
    findings: list[str] = field(default_factory=list)


def carry(world: World, native: Native, capture: str, *, adopted: bool = False) -> Carried:
    """Looks at the target after each act. `adopted`: its table was there before, made by the same
    words, with a row that the source has too. What may not be a key is refused as one, and carried
    as a value alone."""
    carried = Carried()
    with patch.object(sweep, "SEGMENT_ROWS", _PART_ROWS + 1):
        try:
            _Life(world, native, carried, adopted=adopted).live(capture)
        except _NoKey:
            carried.as_key = False
            _Life(world, native, carried, adopted=adopted).live(capture)
    return carried


class _NoKey(Exception):
    """The source has no index on this type, or Bridgehead has rightly refused it as a key."""


class _Life:
    def __init__(self, world: World, native: Native, carried: Carried, *, adopted: bool) -> None:
        self._world, self._native, self._carried = world, native, carried
        self._adopted = adopted
        self._values = list({value.text: value for value in native.values}.values())
        self._rows: dict[Key, Said] = {}
        self._history: dict[Key, set[Said]] = defaultdict(set)
        self._batches = 0

    def live(self, capture: str) -> None:
        world = self._world
        self._make_source()
        if self._adopted:
            self._make_target()
        world.job(
            "j",
            chunk_rows=_PART_ROWS,
            target={"endpoint": "target", "table": "t", "adopt": self._adopted},
            **CAPTURES[capture],
        )
        refusal = self._refusal()
        if refusal:
            self._be_refused(refusal)
            return
        acts: dict[str, tuple[Callable[[], None], Callable[[], Outcome]]] = {
            "load": (lambda: None, world.run),
            "update": (self._update, world.run),
            "delete": (self._delete, world.run),
            "insert": (self._insert_again, world.run),
            "new keys": (self._change_keys, world.run),
            "resync": (lambda: None, world.resync),
            "rest": (lambda: None, world.run),
        }
        for name, (change, run) in acts.items():
            change()
            self._carried.rows = max(self._carried.rows, len(self._rows))
            found = [f"{name}: {finding}" for finding in self._look(name, run)]
            self._carried.findings += found
            if found:
                return

    # -- what is made ------------------------------------------------------------------------

    def _make_source(self) -> None:
        world = self._world
        for before in PREPARED.get(world.family, ()):
            with suppress(*_ServerError):  # it is there from the attempt before
                world.sql("source", before)
        world.sql("source", "DROP TABLE IF EXISTS t")
        try:
            world.sql("source", *self._lax("source"), self._table("source"))
        except _ServerError as error:
            if not self._carried.as_key:
                raise
            raise _NoKey from error
        for number in range(len(self._values)):
            stamp = world.ago(3600)
            rows = {(number, n): (number, f"first {n}") for n in _NUMBERS}
            with suppress(*_ServerError):  # taken for a key that is there, or too long for one
                self._insert(rows, stamp)
        if not self._rows:
            raise ValueError(f"the source takes no value of {self._native.declared}")

    def _make_target(self) -> None:
        world = self._world
        if world.stores["target"].family == "postgresql":
            with suppress(*_ServerError):
                world.sql("target", *PREPARED["postgresql"])
        known = next(place for place in self._rows if self._fits(place[0]))
        value = self._values[known[0]].sql
        world.sql(
            "target",
            *self._lax("target"),
            "DROP TABLE IF EXISTS t",
            self._table("target", ", remark varchar(9) DEFAULT 'ours'"),
            "INSERT INTO t (k, kn, n, vn, name) "
            f"VALUES ({value}, {known[0]}, {known[1]}, {_NULL}, 'older')",
        )

    def _table(self, role: str, more: str = "") -> str:
        declared = self._native.declared
        stamp = _STAMPS[self._world.stores[role].family]
        return (
            f"CREATE TABLE t (n integer NOT NULL, k {declared} NOT NULL, kn integer NOT NULL, "
            f"v {declared}, vn integer, name varchar(9), updated_at {stamp}{more}, "
            f"PRIMARY KEY ({', '.join(self._key)}))"
        )

    def _lax(self, role: str) -> tuple[str, ...]:
        return PREPARED["mysql"] if self._world.stores[role].family == "mysql" else ()

    # -- what people do ----------------------------------------------------------------------

    def _insert(self, rows: dict[Key, Said], stamp: str) -> None:
        world = self._world
        values = ", ".join(
            f"({self._values[kn].sql}, {kn}, {n}, {self._sql(vn)}, {vn}, '{name}', {stamp})"
            for (kn, n), (vn, name) in rows.items()
        )
        into = "INSERT INTO t (k, kn, n, v, vn, name, updated_at) VALUES"
        world.sql("source", *self._lax("source"), f"{into} {values}")
        self._rows |= rows

    def _set(self, place: Key, said: Said) -> None:
        (kn, n), (vn, name) = place, said
        world = self._world
        world.sql(
            "source",
            *self._lax("source"),
            f"UPDATE t SET v = {self._sql(vn)}, vn = {vn}, name = '{name}', "
            f"updated_at = {world.now} WHERE kn = {kn} AND n = {n}",
        )
        self._rows[place] = said

    def _sql(self, number: int) -> str:
        return "NULL" if number == _NULL else self._values[number].sql

    def _update(self) -> None:
        """Another value beside a key, none at all, and another name alone."""
        for place, (vn, _) in list(self._rows.items()):
            if place[1] == 1:
                self._set(place, ((vn + 1) % len(self._values), "second"))
            elif place[1] == 3:
                self._set(place, (vn if place[0] % 2 else _NULL, "second"))

    def _delete(self) -> None:
        """A row of every second key, and every row of the last."""
        last = max(kn for kn, _ in self._rows)
        gone = [(kn, n) for kn, n in self._rows if kn == last or (kn % 2 == 0 and n == 1)]
        for kn, n in gone:
            self._world.sql("source", f"DELETE FROM t WHERE kn = {kn} AND n = {n}")
            del self._rows[kn, n]

    def _insert_again(self) -> None:
        """Keys that were there before, and those of the last."""
        keys = {kn for kn, _ in self._history}
        again = {(kn, 1): (_NULL, "third") for kn in keys if (kn, 1) not in self._rows}
        if again:
            self._insert(again, self._world.now)

    def _change_keys(self) -> None:
        """Rows that go from one key to the next."""
        world, last = self._world, max(kn for kn, _ in self._rows)
        for kn, n in [place for place in self._rows if place[1] == 2 and place[0] < last]:
            world.sql(
                "source",
                *self._lax("source"),
                f"UPDATE t SET k = {self._values[last].sql}, kn = {last}, n = {10 + kn}, "
                f"updated_at = {world.now} WHERE kn = {kn} AND n = {n}",
            )
            self._rows[last, 10 + kn] = self._rows.pop((kn, n))

    # -- what is looked for ------------------------------------------------------------------

    def _refusal(self) -> str:
        """The words that the job is rightly refused with; empty if it is not."""
        kind = self._native.type
        exchange, target = (self._world.stores[role].family for role in ROLES[1:])
        if self._carried.as_key:
            if kind.kind in (Kind.FLOAT, Kind.JSON):
                return f"key column k is {kind}"
            if kind.kind is Kind.DECIMAL and not kind.precision and "mysql" in (exchange, target):
                return "keeps as text, in another order"
        as_text = {Kind.NATIVE: exchange != target}
        as_text[Kind.DECIMAL] = not kind.precision and exchange == "mysql"
        if self._adopted and (as_text.get(kind.kind) or self._native.declared == "money"):
            return "target table t does not fit: column k is"
        return ""

    def _be_refused(self, words: str) -> None:
        outcome = self._world.run()
        if words not in str(outcome.error) or outcome.exit_code != 4:
            told = f"{outcome.verdict}, exit {outcome.exit_code}: {outcome.error}"
            self._carried.findings.append(f"not refused with {words!r}: {told}")
        elif self._carried.as_key:
            raise _NoKey

    def _look(self, act: str, run: Callable[[], Outcome]) -> Iterator[str]:
        """What is wrong after an act."""
        world = self._world
        before = self._arrived()
        outcome = run()
        if (outcome.error, outcome.verdict) != (None, "reconciled"):
            yield f"{outcome.verdict}, exit {outcome.exit_code}: {outcome.error}"
            return
        for place, said in self._rows.items():
            self._history[place].add(said)
        after = self._arrived()
        yield from self._unlike(after)
        yield from self._mixed_up()
        yield from map(str, self._oracle_says())
        counted = world.counted(self._batches)
        happened = (len(after), 0, 0) if act == "load" else _counted(before, after)
        if act != "resync" and counted != happened:
            yield f"the books say {counted}, what happened is {happened}"
        self._batches = len(world.batches())
        content = reconcile_job(world.deployment, "j").content
        if content is None or content.sample or content.target_rows != len(after):
            yield f"{len(after)} rows at the target, and the comparison says {content}"

    def _arrived(self) -> dict[Key, Said]:
        place = Place(self._world.connect("target"))
        found = place.query("SELECT kn, n, vn, name FROM t") if place.holds("t") else []
        return {(kn, n): (vn, name) for kn, n, vn, name in found}

    def _unlike(self, arrived: dict[Key, Said]) -> Iterator[str]:
        """Rows that are not at the target as they should be. One that is set aside is there as it
        last came, or not at all."""
        for place in sorted(arrived.keys() - self._rows.keys()):
            yield f"{place} is at the target alone"
        aside, doubtful = 0, 0
        for place, said in self._rows.items():
            kn, (vn, _) = place[0], said
            if self._fits(kn) and self._fits(vn):
                missing = place not in arrived and len(self._values[kn].text) > _MAY_BE_TOO_LONG
                doubtful += missing
                if arrived.get(place) != said and not missing:
                    yield f"{place} is {arrived.get(place)} at the target, not {said}"
            else:
                aside += 1
                if place in arrived and arrived[place] not in self._history[place]:
                    yield f"{place}, which a store lacks, is {arrived[place]} at the target"
        entries = self._world.sql(
            "exchange", "SELECT reason FROM bh_quarantine WHERE open_key IS NOT NULL"
        )
        too_long = entries.count(("too_long",))
        if len(entries) != aside + doubtful or doubtful > too_long:
            yield f"{aside} rows and {doubtful} keys are set aside, the entries say {entries}"
        self._carried.aside = aside + doubtful

    def _fits(self, number: int) -> bool:
        """Whether both stores hold this value."""
        if number == _NULL:
            return True
        exchange, target = families = [self._world.stores[role].family for role in ROLES[1:]]
        if self._native.type == Type(Kind.DECIMAL) and exchange == "mysql":
            families = [exchange]  # it goes on as text
        elif self._native.type == Type(Kind.DECIMAL) and target == "mysql":
            families = ["sqlite"]  # one that is none goes no further
        return not self._values[number].refused(*families)

    def _mixed_up(self) -> Iterator[str]:
        """Rows whose key or value at the target is another one's."""
        world, family = self._world, self._world.stores["target"].family
        for column, number in (("k", "kn"), ("v", "vn")):
            text = _AS_TEXT[family].format(column)
            shown, borne = defaultdict(set), defaultdict(set)
            for words, one in world.sql("target", f"SELECT {text}, {number} FROM t"):
                shown[one].add(words)
                borne[words].add(one)
            yield from (
                f"{number} {one} is {words}" for one, words in shown.items() if len(words) > 1
            )
            if column == "k" and self._carried.as_key:
                yield from (f"{k} is the key of {kn}" for k, kn in borne.items() if len(kn) > 1)

    def _oracle_says(self) -> Iterator[Finding]:
        numbers = dict.fromkeys(("kn", "n", "vn"), "number") | {"name": "text"}
        as_sent = self._world.oracle(key=self._key, columns={"k": "text", **numbers})
        yield from as_sent.books()
        yield from as_sent.recounted()
        yield from self._world.oracle(key=("kn", "n"), columns=numbers).false_reconciliations()
        self._world.close()

    @property
    def _key(self) -> tuple[str, ...]:
        return ("k", "n") if self._carried.as_key else ("kn", "n")


def _counted(before: dict[Key, Said], after: dict[Key, Said]) -> tuple[int, int, int]:
    """Rows inserted, updated and deleted."""
    both = before.keys() & after.keys()
    changed = sum(before[place] != after[place] for place in both)
    return len(after.keys() - both), changed, len(before.keys() - both)
