"""Which table a job's end is, however it was written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from bridge.configuration.endpointsettings import EndpointSettings
from bridge.configuration.jobparts import Source, Target
from connectors.connector import Connector
from connectors.table import Table

__all__ = ["TablePlace", "folded", "place_of", "table_place"]

TablePlace: TypeAlias = tuple[object, ...]

_LOOPBACK = frozenset({"127.0.0.1", "::1"})


def table_place(
    end: Source | Target, endpoints: Mapping[str, EndpointSettings], directory: Path
) -> TablePlace | None:
    """One table of one store; None for a query and for an endpoint that is at fault itself.

    Case is folded, because some stores fold it and a wrong yes only costs a clearer name.
    """
    settings = endpoints.get(end.endpoint)
    if end.table is None or settings is None:
        return None
    endpoint = settings.without_secrets(end.endpoint, directory)
    schema = end.schema or endpoint.schema
    return (*map(folded, endpoint.store), folded(schema), folded(end.table))


def place_of(store: Connector, table: Table) -> str:
    """Names a table that was described there, whoever logs in and however it is spelled."""
    endpoint = store.endpoint
    schema = table.schema or table.name.schema or endpoint.schema or endpoint.database
    parts = (*endpoint.store, schema, table.name.name)
    return hashlib.sha256(json.dumps([folded(part) for part in parts]).encode()).hexdigest()


def folded(part: object) -> object:
    """One spelling of a part of a place: a path without links, a host, a name in small letters."""
    if not isinstance(part, str):
        return part
    if part.startswith("/"):
        return os.path.realpath(part)
    return "localhost" if part in _LOOPBACK else part.casefold()
