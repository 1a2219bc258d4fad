"""The matrix of families: one row, and a family takes every test of `test_connector_*.py`.

family    the row; tests that ask for it run once per family
store     an open session with a fresh, empty store
another   opens further sessions with the same store
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from connectors.connector import Connector
from connectors.endpoint import Endpoint
from connectors.registry import connect
from connectors.table import Kind, Type


@dataclass(frozen=True)
class Row:
    """What the tests need to know of a family beyond its contract.

    `own`: types of its own, with canonical texts of some values. `swallow`: statements for a table
    `t` whose trigger lets an insert of the key `swallowed` go without a trace. `wrong`: changes to
    an endpoint that make it unusable, and the name of the error. `tls`: what an endpoint may ask
    for, of which the tests' servers have nothing. `unknown`: what no driver takes. `speaks`: the
    family in whose SQL the tests make their tables, where it is not its own. `is_file`: there is no
    server that could fall silent.
    """

    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, tuple[Type, tuple[str, ...]]] = field(default_factory=dict)
    swallow: tuple[str, ...] = ()
    wrong: tuple[tuple[Mapping[str, Any], str], ...] = ()
    tls: tuple[Mapping[str, str], ...] = ()
    unknown: tuple[Mapping[str, Any], ...] = ()
    is_exchange: bool = True
    speaks: str = ""
    is_file: bool = False


_POSTGRESQL = Row(
    "postgresql",
    own={
        "jsonb": (
            Type(Kind.JSON, family="postgresql", native="jsonb"),
            ('{"a": 1}', "[1, null]", '"𠮷"'),
        ),
        "inet": (
            Type(Kind.NATIVE, family="postgresql", native="inet"),
            ("10.0.0.1/32", "::1/128", "10.0.0.0/8"),
        ),
        "text[]": (
            Type(Kind.NATIVE, family="postgresql", native="text[]"),
            ('{a,NULL,"b c"}', "{}"),
        ),
        "varbit": (Type(Kind.NATIVE, family="postgresql", native="bit varying"), ("101", "")),
    },
    swallow=(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        "IF NEW.\"id\" = 'swallowed' THEN RETURN NULL; END IF; RETURN NEW; END $$",
        'CREATE TRIGGER swallow BEFORE INSERT ON "t" FOR EACH ROW EXECUTE FUNCTION swallow()',
    ),
    wrong=(
        ({"port": 1}, "Unreachable"),
        ({"database": "nowhere"}, "MissingObject"),
        ({"password": None}, "LoginRefused"),
    ),
    tls=({"sslrootcert": "/nowhere.pem"}, {"ssl_min_protocol_version": "TLSv1.2"}),
    unknown=({"tls": {"sslmode": "strict"}}, {"options": {"strict": "1"}}),
)
_MYSQL = Row(
    "mysql",
    own={
        "bit(9)": (
            Type(Kind.NATIVE, family="mysql", native="bit(9)"),
            ("000000000", "111111111", "100000001"),
        ),
        "inet6": (Type(Kind.NATIVE, family="mysql", native="inet6"), ("::1", "2001:db8::a")),
        "geometry": (
            Type(Kind.NATIVE, family="mysql", native="geometry"),
            ("SRID=0;POINT(1 2)", "SRID=4326;POINT(1 2)"),
        ),
    },
    swallow=(
        "CREATE TRIGGER swallow BEFORE INSERT ON t FOR EACH ROW\n"
        "SET NEW.id = IF(NEW.id = 'swallowed', LEFT(UUID(), 18), NEW.id)",
    ),
    wrong=(
        ({"port": 1}, "Unreachable"),
        ({"database": "nowhere"}, "MissingObject"),
        ({"password": None}, "LoginRefused"),
    ),
    tls=({"ca": "/nowhere.pem"}, {"cipher": "AES256-SHA"}, {"mode": "REQUIRED"}),
    unknown=(
        {"tls": {"mode": "STRICT"}},
        {"options": {"strict": "1"}},
        {"options": {"client_flag": "strict"}},
    ),
)
_BY_ODBC: dict[str, Any] = {"is_exchange": False, "unknown": ()}
MATRIX = (
    Row(
        "sqlite",
        options={"create": "true"},
        swallow=(
            "CREATE TRIGGER swallow BEFORE INSERT ON `t` WHEN NEW.`id` = 'swallowed'\n"
            "BEGIN SELECT RAISE(IGNORE); END",
        ),
        wrong=(
            ({"path": "/nowhere/at/all.db"}, "Unreachable"),
            ({"path": "/"}, "Unreachable"),
            ({"path": "/etc/passwd"}, "PermanentError"),
        ),
        is_file=True,
    ),
    _POSTGRESQL,
    _MYSQL,
    replace(_POSTGRESQL, name="kingbase", speaks="postgresql"),
    replace(_POSTGRESQL, name="opengauss", speaks="postgresql"),
    replace(
        _POSTGRESQL,
        name="odbc-postgresql",
        speaks="postgresql",
        tls=(
            {"sslmode": "require"},
            {"SSLmode": "verify-ca", "pqopt": "sslrootcert=/nowhere.pem"},
            {"pqopt": "sslrootcert=/nowhere.pem"},
        ),
        **_BY_ODBC,
    ),
    replace(
        _MYSQL,
        name="odbc-mariadb",
        speaks="mysql",
        tls=({"SSLCA": "/nowhere.pem"}, {"FORCETLS": "1"}, {"SSLVERIFY": "1"}),
        **_BY_ODBC,
    ),
)
EXCHANGES = tuple(row for row in MATRIX if row.is_exchange)

Another = Callable[[], Connector]


@pytest.fixture(params=MATRIX, ids=lambda row: row.name)
def family(request: pytest.FixtureRequest) -> Row:
    row: Row = request.param
    return row


@pytest.fixture
def place(family: Row, database: Callable[..., Endpoint]) -> Endpoint:
    return database(family.name, options=family.options)


@pytest.fixture
def another(place: Endpoint) -> Iterator[Another]:
    opened: list[Connector] = []

    def open_session() -> Connector:
        opened.append(connect(place))
        return opened[-1]

    yield open_session
    for session in opened:
        session.close()


@pytest.fixture
def store(another: Another) -> Connector:
    return another()
