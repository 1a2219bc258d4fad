"""A line that broke under an ODBC session, in the words of what is behind the driver."""

from __future__ import annotations

import pytest

from connectors.endpoint import Endpoint
from connectors.errors import ConnectionLost
from connectors.odbc.errors import of_server

AT = Endpoint("buffer", "odbc", host="127.0.0.1", port=5432)
TOLD = [
    "server closed the connection unexpectedly\n\tThis probably means the server terminated",
    "could not receive data from server: Connection reset by peer\n",
    "could not send data to server: Broken pipe\n",
    "no connection to the server\n",
    "SSL connection has been closed unexpectedly\n",
    "服务器意外地关闭了联接\n\t这种现象通常意味着服务器在处理请求之前",
    "无法从服务器接收数据: Connection reset by peer\n",
    "无法向服务器发送数据: Broken pipe\n",
    "没有到服务器的联接\n",
    "SSL连接异常关闭\n",
]


@pytest.mark.parametrize("told", TOLD)
def test_it_is_a_lost_connection(told: str) -> None:
    passed_on = f"[HY000] {told};\nError while preparing parameters (1) (SQLExecDirectW)"
    found = of_server(Exception("HY000", passed_on), AT)
    assert isinstance(found, ConnectionLost)
    assert found.exit_code == 3


@pytest.mark.parametrize("state", ["P0001", "38000"])
def test_what_a_server_says_of_another_is_no_lost_connection(state: str) -> None:
    """A trigger that asks a third server may say so: our line is whole."""
    told = f"[{state}] ERROR: {TOLD[0]} (1) (SQLExecDirectW)"
    assert not isinstance(of_server(Exception(state, told), AT), ConnectionLost)


def test_any_other_error_of_the_driver_is_none() -> None:
    found = of_server(Exception("HY000", "[HY000] out of memory (1) (SQLExecDirectW)"), AT)
    assert not isinstance(found, ConnectionLost)
