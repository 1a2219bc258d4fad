"""The session with an openGauss database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.dialects import registry

from connectors.agentdigest import AgentDigest, float_text
from connectors.connector import Capabilities
from connectors.dialect import Statement
from connectors.errors import BridgeheadError, LoginRefused
from connectors.fetched import Rendering
from connectors.opengauss.catalogue import COLUMNS, INDEXES, OID, keys_of
from connectors.opengauss.dialect import OpengaussDialect
from connectors.postgresql.catalogue import relation_of
from connectors.postgresql.connector import PostgresqlConnector
from connectors.postgresql.kin import KinServer
from connectors.postgresql.server import COMMON
from connectors.postgresql.session import BoundedSession
from connectors.selection import Output
from connectors.table import Kind, Table, TableName

__all__ = ["OpengaussConnector"]

registry.register("opengauss", "connectors.opengauss.sqldialect", "OpengaussSqlDialect")

_SESSION = COMMON + "SET extra_float_digits = 3"
# What the driver says of a way to take a password that it does not know. SHA-256 of the server's
# own kind has the number that SASL has elsewhere.
_OF_ITS_OWN_KIND = re.compile("authentication method|SASL authentication mechanisms")


class OpengaussConnector(AgentDigest, KinServer, PostgresqlConnector):
    """A session with an openGauss database: psycopg carries it, a server-side cursor reads, COPY
    loads, and digests are the agent's."""

    dialect = OpengaussDialect()
    capabilities: ClassVar[Capabilities] = replace(
        KinServer.capabilities, reads=frozenset(), loads=frozenset()
    )

    def _open(self) -> Any:
        return BoundedSession.at(self.endpoint)

    def _create_engine(self, **handing: Any) -> Engine:
        return create_engine("opengauss://", use_native_hstore=False, **handing)

    def _prepare(self, opened: Any, connection: Connection) -> None:
        with opened.cursor() as cursor:
            cursor.execute(_SESSION)
            cursor.execute(
                f"SET statement_timeout = {round(self.endpoint.statement_timeout * 1000)}"
            )
            if self.endpoint.schema:
                schema = self.dialect.quote(self.endpoint.schema).replace("%%", "%")
                cursor.execute(f"SET search_path = {schema}")
            cursor.execute("SELECT setting FROM pg_settings WHERE name = 'sql_compatibility'")
            if cursor.fetchone() == ("A",):  # as in Oracle, an empty text is NULL
                self.capabilities = replace(self.capabilities, empty_text=False)  # type: ignore[misc]
        opened.commit()

    def translate(self, error: BaseException) -> BridgeheadError:
        """The driver does not know the server's own way to take a password."""
        if _OF_ITS_OWN_KIND.search(str(error)) and not hasattr(self, "connection"):
            return LoginRefused(
                "login refused: the server asks for SHA-256 of its own kind",
                endpoint=str(self.endpoint),
                remedy="set password_encryption_type = 1, set this user's password anew, and let "
                "pg_hba.conf ask this user for md5",
            )
        return super().translate(error)

    def describe(self, name: TableName) -> Table:
        with self.transaction():
            oid = self._readable_oid(name)
            columns = self.rows(Statement(COLUMNS, (oid,)))
            keys = keys_of(self.rows(Statement(INDEXES, (oid,))))
            return self._with_charset(relation_of(name, columns, keys, self._types(columns)))

    def _oid(self, name: TableName) -> int | None:
        if any(self.dialect.name_problem(part) for part in (name.name, name.schema or "")):
            return None
        oid: int | None = self.value(Statement(OID, (name.name, name.schema, name.schema)))
        return oid

    def _server_cursor(self) -> Any:
        return self.driver.cursor("bh_rows")

    def _renderings(self, outputs: Sequence[Output]) -> list[Rendering | None]:
        """Floats come with all their digits."""
        return [
            partial(float_text, kind=o.column.type)
            if o.column.type.kind is Kind.FLOAT and o.literal is None and not o.column.charset
            else None
            for o in outputs
        ]
