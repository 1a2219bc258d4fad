"""Which families there are, and what each needs to be told."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from connectors.connector import Connector
from connectors.endpoint import Endpoint
from connectors.errors import ConfigurationError

__all__ = ["FAMILIES", "Family", "connect"]


@dataclass(frozen=True)
class Family:
    """One kind of store: where its connector is, which endpoint settings it cannot do without, and
    what we have seen of it."""

    name: str
    connector: str
    required_settings: frozenset[str]
    proven: str


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            Family(
                "postgresql",
                "connectors.postgresql:PostgresqlConnector",
                frozenset({"database"}),
                "run for real",
            ),
            Family(
                "sqlite", "connectors.sqlite:SqliteConnector", frozenset({"path"}), "run for real"
            ),
        )
    }
)


def connect(endpoint: Endpoint) -> Connector:
    """An open session with the endpoint's store. The driver is imported only now."""
    family = FAMILIES.get(endpoint.family)
    if family is None:
        raise ConfigurationError(
            f"unknown family {endpoint.family!r}",
            endpoint=endpoint.name,
            remedy=f"use one of: {', '.join(FAMILIES)}",
        )
    module_name, _, class_name = family.connector.partition(":")
    connector: type[Connector] = getattr(importlib.import_module(module_name), class_name)
    return connector(endpoint)
