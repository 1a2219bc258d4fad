"""Which tables an Oracle database has and what they look like; DM answers the same questions."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any, ClassVar

from connectors.connector import Connector
from connectors.dialect import Statement
from connectors.errors import ConfigurationError, MissingObject, MissingRight, nearest
from connectors.oracle.catalogue import (
    COLUMNS,
    CONDITIONS,
    FILLING,
    INDEXES,
    LEADING,
    OBJECT,
    PRIMARY,
    TABLES,
    filling_of,
    relation_of,
    type_of,
)
from connectors.table import Column, Filling, ForeignKey, Table, TableName, Type

__all__ = ["OracleStructure"]

_AS_UTF8 = ("AL32UTF8", "UTF-8")
"""As Oracle and DM call it. Oracle's UTF8 is CESU-8, where the first plane does not come first."""


class OracleStructure(Connector):
    """Answers from the ALL_ views, which show what the login may read."""

    condition_column: ClassVar[str] = "search_condition_vc"
    filling_query: ClassVar[str] = FILLING
    identity_query: ClassVar[str] = (
        "SELECT SYS_CONTEXT('USERENV', 'DB_UNIQUE_NAME') || '/' || "
        "SYS_CONTEXT('USERENV', 'DB_NAME') FROM DUAL"
    )

    def resolve(self, name: TableName) -> TableName:
        """Never without a schema: in books of ours an empty one would be NULL."""
        schema = name.schema or self.endpoint.schema
        if schema is None:
            query = "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL"
            with nullcontext() if self.connection.in_transaction() else self.transaction():
                schema = str(self.value(query))
        return TableName(name.name, schema)

    def tables(self, schema: str | None = None) -> list[TableName]:
        owner = schema or self.endpoint.schema
        with self.transaction():
            found = self.rows(self._statement(TABLES, owner, owner))
        return [TableName(n, o) for o, n in found if not n.upper().startswith("BH_")]

    def exists(self, name: TableName) -> bool:
        return bool(self._object(name))

    def identity(self, name: TableName) -> str:
        with self.transaction():
            found = self._object(name)
            return f"{self.value(self.identity_query)}/{found[0][0] if found else name}"

    def describe(self, name: TableName) -> Table:
        with self.transaction():
            found = self._object(name)
            if not found:
                raise self._missing(name)
            owner, is_view = found[0][2], found[0][1] != "TABLE"
            columns = self.rows(self._statement(COLUMNS, owner, name.name))
            primary = self.rows(self._statement(PRIMARY, owner, name.name))
            indexes = self.rows(self._statement(INDEXES, owner, name.name))
            days = self._days(owner, name.name, [row[0] for row in columns])
            types = [self._type_of(row, days) for row in columns]
            charset = self._charset()
            table = relation_of(
                name,
                columns,
                primary,
                indexes,
                types,
                self._filling(owner, name.name),
                is_view=is_view,
                is_utf8=charset in _AS_UTF8,
                counts_bytes=charset == "AL32UTF8",
            )
            return replace(table, schema=owner)

    def without_horizon(self, table: Table) -> str:
        """Only the table itself is looked at; it has an entry as a table, too."""
        with self.transaction():
            found = [] if table.query is not None else self._object(table.name)
        kinds = [kind for _, kind, _ in found]
        return f"materialized view {table.name}" if "MATERIALIZED VIEW" in kinds else ""

    def describe_query(self, query: str) -> Table:
        """The server describes a query as it would a view's columns."""
        with self.transaction():
            cursor = self._execute(f"SELECT * FROM ({query}\n) q WHERE 1 = 0", ())
            columns = tuple(self._described(d) for d in cursor.description)
        repeated = {c.name for c in columns if sum(c.name == o.name for o in columns) > 1}
        if repeated:
            raise ConfigurationError(
                f"the query yields column {min(repeated)} more than once",
                endpoint=str(self.endpoint),
                remedy="give each column a name of its own",
            )
        return Table(TableName("query"), columns, query=query)

    def leading_to(self, name: TableName) -> list[ForeignKey]:
        place = self.resolve(name)
        with self.transaction():
            found = self.rows(self._statement(LEADING, place.schema, place.name))
        return [ForeignKey(key, TableName(t, owner), action) for key, owner, t, action in found]

    def missing_rights(self, table: TableName | None) -> list[str]:
        if table is not None:
            return []
        with self.transaction():
            may = {row[0] for row in self.rows("SELECT privilege FROM session_privs")}
        return [] if "CREATE TABLE" in may else ["CREATE TABLE"]

    def _type_of(self, row: Any, days: frozenset[str]) -> Type:
        return type_of(row, days)

    def _described(self, described: Any) -> Column:
        """A column of a query, from the driver's description."""
        name, kind, _, size, precision, scale = described[:6]
        word = getattr(kind, "name", str(kind)).removeprefix("DB_TYPE_")
        words = {"VARCHAR": "VARCHAR2", "NVARCHAR": "NVARCHAR2", "LONG_RAW": "LONG RAW"}
        if word.startswith("TIMESTAMP_"):
            word = "TIMESTAMP WITH TIME ZONE"
        if word == "NUMBER" and (precision == 0 or scale == -127):  # -127: a FLOAT, or any scale
            precision, scale = None, None if scale == -127 else scale or None
        row = (name, words.get(word, word), size, size, precision, scale)
        return Column(name, self._type_of(row, frozenset()), bytewise=False, native=word)

    def _days(self, owner: str, table: str, columns: list[str]) -> frozenset[str]:
        """The DATE columns that a check constraint keeps free of a time of day."""
        sql = CONDITIONS.format(condition=self.condition_column)
        try:
            conditions = {str(c) for (c,) in self.rows(self._statement(sql, owner, table))}
        except MissingObject:  # before 12.2 the condition is no text; such a server is only read
            return frozenset()
        quote = self.dialect.quote
        return frozenset(c for c in columns if f"{quote(c)} = TRUNC({quote(c)})" in conditions)

    def _filling(self, owner: str, table: str) -> dict[str, Filling]:
        """Nothing is known of it where the server lacks a view, or this login may not ask it."""
        try:
            return filling_of(self.rows(self._statement(self.filling_query, owner, table)))
        except (MissingObject, MissingRight):
            return {}

    def _object(self, name: TableName) -> list[tuple[Any, ...]]:
        return self.rows(self._statement(OBJECT, name.schema or self.endpoint.schema, name.name))

    def _statement(self, sql: str, *values: object) -> Statement:
        return Statement(sql.replace(":v", self.dialect.placeholder), values)

    def _missing(self, name: TableName) -> MissingObject:
        owner = name.schema or self.endpoint.schema
        known = [str(n) for _, n in self.rows(self._statement(TABLES, owner, owner))]
        upper = name.name.upper()
        meant = f"did you mean {upper}?" if upper in known else nearest(upper, known)
        hint = nearest(name.name, known) or (meant if upper != name.name else "")
        return MissingObject(
            f"there is no table {name}",
            endpoint=str(self.endpoint),
            remedy=hint or "check the table's name (upper case unless quoted), schema and rights",
        )

    def _charset(self) -> str:
        return str(
            self.value(
                "SELECT value FROM nls_database_parameters WHERE parameter = 'NLS_CHARACTERSET'"
            )
        )

    def _is_utf8(self) -> bool:
        return self._charset() in ("AL32UTF8", "UTF8")
