"""Where a store takes an empty text for NULL, none is sent there in silence."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from bridge.route.mapping import Limits
from bridge.transform.refusal import Reason
from bridge.transform.value import check_values
from connectors.connector import Capabilities
from connectors.dm import DmConnector
from connectors.endpoint import Endpoint
from connectors.opengauss import OpengaussConnector
from connectors.oracle import OracleConnector
from connectors.table import Kind, Type

TAKES_IT_FOR_NULL = Limits(True, True, True, True, 1, 9999, empty_text=False)
KEEPS_IT = Limits(True, True, True, True, 1, 9999)


@pytest.mark.parametrize("kind", [Type(Kind.TEXT), Type(Kind.TEXT, length=5), Type(Kind.BINARY)])
def test_an_empty_value_is_refused_and_null_is_not(kind: Type) -> None:
    values = pa.array(["", None, "00"], pa.string())
    _, found = check_values(values, kind, kind, TAKES_IT_FOR_NULL)
    bad = [row for f in found if f.reason is Reason.EMPTY_TEXT for row in f.rows]
    assert bad == [True, False, False]
    _, found = check_values(values, kind, kind, KEEPS_IT)
    assert Reason.EMPTY_TEXT not in {f.reason for f in found}


def test_the_families_that_do_say_so() -> None:
    assert not OracleConnector.capabilities.empty_text
    assert not DmConnector.capabilities.empty_text
    for kind in (Kind.TEXT, Kind.BINARY):
        assert KEEPS_IT.hold_all(Capabilities(), {kind})
        assert not TAKES_IT_FOR_NULL.hold_all(Capabilities(), {kind})
    assert TAKES_IT_FOR_NULL.hold_all(Capabilities(), {Kind.INTEGER})


class _Cursor:
    def __init__(self, compatibility: str | None) -> None:
        self._found = None if compatibility is None else (compatibility,)

    def __enter__(self) -> _Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        pass

    def fetchone(self) -> tuple[str] | None:
        return self._found


class _Session:
    def __init__(self, compatibility: str | None) -> None:
        self._compatibility = compatibility

    def cursor(self) -> _Cursor:
        return _Cursor(self._compatibility)

    def commit(self) -> None:
        pass


@pytest.mark.parametrize(("compatibility", "keeps"), [("A", False), ("PG", True), (None, True)])
def test_opengauss_says_so_by_the_databases_compatibility(
    compatibility: str | None, keeps: bool
) -> None:
    store: Any = object.__new__(OpengaussConnector)
    store.endpoint = Endpoint("centre", "opengauss", host="db", database="x")
    store._prepare(_Session(compatibility), None)
    assert store.capabilities.empty_text is keeps
    assert OpengaussConnector.capabilities.empty_text
