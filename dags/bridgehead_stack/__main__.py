"""`scripts/airflow`: everything on this machine, in the foreground, until it is interrupted."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from bridge.settings import find_directory
from bridgehead_stack.home import Home, default_home
from bridgehead_stack.role import TITLES
from bridgehead_stack.stack import Stack, open_port
from bridgehead_stack.trouble import Trouble
from connectors.errors import BridgeheadError


def main() -> int:
    """0 when it was asked to end, 1 when a process could not be kept, else as the commands."""
    given = _arguments()
    try:
        home = Home(given.home.expanduser().absolute())
        config = find_directory(given.config)
        with home.make():
            stack = Stack(home, config, open_port(given.port), given.celery)
            _say(f"Airflow is starting; give it a minute … 正在启动，约需一分钟（{home.path}）")
            known = frozenset(home.passwords())
            stack.run(_say, lambda: _greet(stack, known))
    except (Trouble, BridgeheadError) as error:
        print(f"error: {error}", file=sys.stderr)
        return getattr(error, "exit_code", 1)
    _say("Everything has ended. 已全部停止。")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/airflow",
        description="Airflow on this machine with a DAG per job file. 在本机运行 Airflow。",
    )
    parser.add_argument(
        "--config", type=Path, metavar="DIR", help="else BRIDGEHEAD_CONFIG, else ./config 配置目录"
    )
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        default=default_home(),
        help="Airflow's own folder (%(default)s) Airflow 目录",
    )
    parser.add_argument(
        "--port", type=int, metavar="N", default=8080, help="of the pages (%(default)s) 网页端口"
    )
    parser.add_argument(
        "--celery", action="store_true", help="Redis and two workers 使用 Redis 和两个工作进程"
    )
    return parser.parse_args()


def _greet(stack: Stack, known: frozenset[str]) -> None:
    """Passwords are shown once, when they are made: output may be kept in a journal."""
    lines = [
        "",
        "桥头堡 Bridgehead · Airflow",
        f"  address 地址  {stack.address}",
        f"  jobs    桥接服务  {stack.config / 'jobs'}",
        f"  logs    日志  {stack.home.logs}",
    ]
    for name, password in stack.home.passwords().items():
        shown = "" if name in known else f"  password 口令 {password}"
        lines.append(f"  user    用户  {name} {TITLES.get(name, '')}{shown}")
    lines += [
        f"  first passwords 初始口令  {stack.home.logins}",
        "  Ctrl+C ends everything 结束全部进程",
        "",
    ]
    _say("\n".join(lines))


def _say(text: str) -> None:
    with suppress(OSError):  # the terminal may be gone; what it asked for is done anyway
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
