"""The queue between the scheduler and several workers: a Redis of our own, on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from bridgehead_stack.configuration import HOST
from bridgehead_stack.home import Home
from bridgehead_stack.service import Service
from bridgehead_stack.trouble import Trouble

__all__ = ["broker_url", "queue_service"]


def broker_url(home: Home, port: int) -> str:
    return f"redis://:{home.secret('redis')}@{HOST}:{port}/0"


def queue_service(home: Home, port: int, environ: Mapping[str, str]) -> Service:
    """It keeps nothing on disk: what was queued when it died, the scheduler queues again. The
    password stands in a file, because every account may list the arguments of a process."""
    program = shutil.which("redis-server")
    if program is None:
        raise Trouble("--celery needs redis-server (Debian, Ubuntu: apt-get install redis-server)")
    place = home.path / "redis.conf"
    lines = [
        f"bind {HOST}",
        f"port {port}",
        f"requirepass {home.secret('redis')}",
        'save ""',
        "appendonly no",
    ]
    home.write(place, "\n".join(lines) + "\n")
    return Service("redis", [program, str(place)], environ, home.logs / "redis.log")
