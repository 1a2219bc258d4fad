"""Sessions that ask for TLS, with servers that have it: a real MariaDB, and a PostgreSQL behind a
PgBouncer that speaks it, since the tests' own build of PostgreSQL cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.endpoint import Endpoint, Secret
from connectors.errors import LoginRefused
from connectors.registry import connect
from tests.authority import another_authority, vouched
from tests.mariadb import MariaDB
from tests.pgbouncer import pooled

Database = Callable[..., Endpoint]
HERE, ELSEWHERE = "127.0.0.1", "192.0.2.1"
servers = pytest.mark.parametrize("host", [HERE, ELSEWHERE])
"""For which address the authority vouches; the server's own is the first."""


@servers
def test_mariadb(tmp_path: Path, host: str) -> None:
    """Its library looks at the address too, once it knows an authority; its ODBC driver if told."""
    shown, another = vouched(tmp_path, host=host), another_authority(tmp_path)
    settings = {"ssl-cert": str(shown.certificate), "ssl-key": str(shown.key)}
    with MariaDB(tmp_path, settings=settings) as server:
        place = Endpoint(
            "centre",
            "mysql",
            host=server.host,
            port=server.port,
            user=server.user,
            password=Secret(server.password),
            database="mysql",
        )
        for tls, is_taken in (
            ({"ca": shown.authority}, host == HERE),
            ({"ca": shown.authority, "mode": "VERIFY_IDENTITY"}, host == HERE),
            ({"ca": another}, False),
        ):
            _try(place, tls, is_taken=is_taken)
        for tls, is_taken in (
            ({"SSLCA": shown.authority}, True),
            ({"SSLCA": shown.authority, "SSLVERIFY": 1}, host == HERE),
            ({"SSLCA": another}, False),
            ({"FORCETLS": 1}, True),
        ):
            through = replace(place, family="odbc", driver="MariaDB Unicode")
            _try(through, tls, is_taken=is_taken)


@servers
def test_postgresql(database: Database, tmp_path: Path, host: str) -> None:
    shown, another = vouched(tmp_path, host=host), another_authority(tmp_path)
    files = {"cert_file": shown.certificate, "key_file": shown.key, "sslmode": "require"}
    settings = {f"client_tls_{name}": value for name, value in files.items()}
    with pooled(database(), tmp_path, "session", **settings) as place:
        for tls, is_taken in (
            ({"sslmode": "require"}, True),
            ({"sslrootcert": shown.authority}, True),
            ({"sslrootcert": shown.authority, "sslmode": "verify-full"}, host == HERE),
            ({"sslrootcert": another}, False),
            ({"sslmode": "disable"}, False),
        ):
            _try(place, tls, is_taken=is_taken)
    with pooled(database("odbc-postgresql"), tmp_path, "session", **settings) as place:
        for mode, authority, is_taken in (
            ("require", shown.authority, True),
            ("verify-ca", shown.authority, True),
            ("verify-full", shown.authority, host == HERE),
            ("verify-ca", another, False),
        ):
            tls = {"sslmode": mode, "pqopt": f"sslrootcert={authority}"}
            _try(place, tls, is_taken=is_taken)


def _try(place: Endpoint, tls: Mapping[str, object], *, is_taken: bool) -> None:
    """A session is there, or what is refused is told as the login's."""
    place = replace(place, tls={name: str(value) for name, value in tls.items()})
    if is_taken:
        with connect(place) as store, store.transaction():
            assert store.value("SELECT 1") == 1
        return
    with pytest.raises(LoginRefused) as error:
        connect(place)
    assert "tls settings" in error.value.remedy, (tls, error.value)
