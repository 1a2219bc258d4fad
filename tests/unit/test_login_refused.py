"""A login that PostgreSQL refuses, in its own words: libpq hands over no SQLSTATE. What a later run
may mend is told apart from what a person must, also where the server speaks Chinese."""

from __future__ import annotations

import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from connectors.endpoint import Endpoint, Secret
from connectors.errors import BridgeheadError, LoginRefused, MissingObject, StoreFull, Unreachable
from connectors.odbc.errors import of_login as of_odbc_login
from connectors.postgresql.errors import of_login
from connectors.registry import connect

_PROTOCOL_3 = 196608

PLACE = 'connection failed: connection to server at "10.9.0.2", port 5432 failed: '
AT = Endpoint("centre", "postgresql", host="10.9.0.2", port=5432, database="buffer")

REFUSED = (
    ('FATAL:  password authentication failed for user "bridge"', LoginRefused),
    ('致命错误:  用户 "bridge" Password 认证失败', LoginRefused),
    ('致命错误:  不允许角色"bridge" 进行登录', LoginRefused),
    ('FATAL:  no pg_hba.conf entry for host "10.1.1.5", user "bridge"', LoginRefused),
    ('致命错误:  没有用于主机 "10.1.1.5", 用户 "预留", 数据库 "数据库系统" 的记录', LoginRefused),
    ('FATAL:  database "buffer" does not exist', MissingObject),
    ('致命错误:  数据库 "buffer" 不存在', MissingObject),
    ("FATAL:  sorry, too many clients already", StoreFull),
    ("致命错误:  对不起, 已经有太多的客户", StoreFull),
    ('FATAL:  too many connections for role "bridge"', StoreFull),
    ('致命错误:  由角色"bridge"发起的连接太多了', StoreFull),
    ("FATAL:  remaining connection slots are reserved for roles with SUPERUSER", StoreFull),
    ("致命错误:  已保留的连接位置为执行非复制请求的超级用户预留", StoreFull),
    ("FATAL:  no more connections allowed (max_client_conn)", StoreFull),
    ("FATAL:  no such database: buffer", MissingObject),
    (
        "FATAL:  server login has been failing, try again later (server_login_retry)",
        Unreachable,
    ),
    ("FATAL:  the database system is starting up", Unreachable),
    ("FATAL:  the database system is shutting down", Unreachable),
    ("FATAL:  the database system is in recovery mode", Unreachable),
    (
        "FATAL:  the database system is not yet accepting connections\n"
        "DETAIL:  Consistent recovery state has not been yet reached.",
        Unreachable,
    ),
    ("致命错误:  数据库系统启动中", Unreachable),
    ("致命错误:  数据库系统在恢复模式中", Unreachable),
    ("FATAL:  terminating connection due to administrator command", Unreachable),
    ("致命错误:  由于管理员命令中断联接", Unreachable),
    ("FATAL:  canceling authentication due to timeout", Unreachable),
    ("致命错误:  由于超时，正在取消认证鉴权命令", Unreachable),
)


@pytest.mark.parametrize(("told", "kind"), REFUSED)
def test_a_refused_login(told: str, kind: type[BridgeheadError]) -> None:
    words = told.splitlines()[0].partition(":")[2].strip()
    found = of_login(Exception(PLACE + told), AT)
    assert type(found) is kind
    assert found.message.endswith(f": {words}")
    odbc = of_odbc_login(Exception("08001", f"[08001] {PLACE}{told} (101) (SQLDriverConnect)"), AT)
    assert type(odbc) is kind
    assert words in odbc.message


def test_nobody_answers() -> None:
    found = of_login(Exception(f"{PLACE}Connection refused\n\tIs the server running?"), AT)
    assert type(found) is Unreachable
    assert "Connection refused" in found.message


@pytest.mark.parametrize("number", [10, 13])
def test_a_password_of_opengauss_own_kind(number: int) -> None:
    """SHA-256 by its own number, which is that of SASL elsewhere, and SM3."""
    ask = struct.pack("!III", 84, number, 2) + b"0" * 72

    def answer(server: socket.socket) -> None:
        with server.accept()[0] as line:
            while int.from_bytes(line.recv(9999)[4:8], "big") != _PROTOCOL_3:
                line.sendall(b"N")  # neither TLS nor GSSAPI
            line.sendall(b"R" + ask)
            line.recv(9999)

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        done = pool.submit(answer, server)
        host, port = server.getsockname()
        at = Endpoint("centre", "opengauss", host=host, port=port, database="b", user="u")
        with pytest.raises(LoginRefused) as refused:
            connect(replace(at, password=Secret("x")))
        done.result(10)
    assert "SHA-256 of its own kind" in refused.value.message
    assert "password_encryption_type" in refused.value.remedy
