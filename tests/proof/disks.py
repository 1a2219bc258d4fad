"""Disks: the disk of the exchange or of the target is full, up to a few kilobytes that are chosen.

How many are enough for a run is found first; positions are spread evenly below that, from a
beginning that the seed draws. Each is a case: rows change, a run finds so much room; the books must
hold as it left them; with room, everything must come to rest, and the changes must be in the books
once. `log`: what is full is the disk of PostgreSQL's write-ahead log, and that ends the server.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from typing import TypeAlias

import psycopg

from bridge.demo.postgres import EmbeddedPostgres
from connectors.endpoint import Endpoint, Secret
from tests.disk import SmallDisk
from tests.filling import Filling
from tests.mariadb import MariaDB
from tests.proof.kind import Block, Result, Wanted
from tests.proof.workshop import Workshop
from tests.scenario.world import CAPTURES, ROLES, World

__all__ = ["blocks", "prove"]

ENDED = "of a run that finds no room"
_CASES = {"sqlite": 60, "postgresql": 30, "mysql": 30, "log of postgresql": 20}
_MEGABYTES = 400
_NAME = "small"
_REVIVED_SECONDS = 30.0
_SETTINGS = {"shared_buffers": "32MB", "wal_recycle": "off"}
_LOG_FILE = 1 << 24
_OF_A_PAGE, _OF_A_RECORD = 8168 / 8192, 256  # what a page of the log holds, and a record needs

Server: TypeAlias = EmbeddedPostgres | MariaDB


def blocks(seed: int) -> Iterable[Block]:
    for what, role, capture in product(_CASES, ROLES[1:], CAPTURES):
        name = f"{what}, {role}, {capture}"
        yield Block("disks", name, name, _CASES[what])


def prove(block: Block, seed: int, workshop: Workshop, wanted: Wanted) -> Iterator[Result]:
    what, role, capture = block.name.split(", ")
    chance = Random(f"{seed} {block.name}")
    with ExitStack() as stack:
        disk = stack.enter_context(SmallDisk(_MEGABYTES))
        small, room = _store(what, disk, workshop.place(), stack)
        stores = {r: small if r == role else workshop.store("sqlite") for r in ROLES}
        world = stack.enter_context(closing(World(workshop.place(), stores)))
        filling = Filling(world, room, capture=capture)
        enough, first, count = filling.enough(), chance.random(), _CASES[what]
        for number in range(count):
            case, kilobytes = str(number), int(enough * (number + first) / count)
            if wanted(case):
                fared = filling.fare(kilobytes)
                told = tuple(f"{kilobytes} kB left: {finding}" for finding in fared.findings)
                yield Result(case, told, int(fared.was_refused), {ENDED: (fared.seconds,)})


def _store(
    what: str, disk: SmallDisk, beside: Path, stack: ExitStack
) -> tuple[Endpoint, SmallDisk | ServedDisk]:
    """A store whose disk is the small one, and the room that it has."""
    if what == "sqlite":
        return Endpoint(_NAME, what, path=str(disk.place / f"{_NAME}.db")), disk
    if what == "mysql":
        server: Server = stack.enter_context(MariaDB(beside, place=disk.place))
        room = ServedDisk(disk, server)
    elif what == "postgresql":
        server = _postgres(disk.place / "postgres", stack)
        room = ServedDisk(disk, server)
    else:
        server = _postgres(beside, stack)
        room = LogDisk(disk, server)
    server.create_database(_NAME)
    family = "mysql" if what == "mysql" else "postgresql"
    password = Secret(server.password)
    place = Endpoint(_NAME, family, host=server.host, port=server.port, database=_NAME)
    return replace(place, user=server.user, password=password), room


def _postgres(directory: Path, stack: ExitStack) -> EmbeddedPostgres:
    return stack.enter_context(EmbeddedPostgres(directory, settings=_SETTINGS))


class ServedDisk:
    """A small disk with the data of a server."""

    def __init__(self, disk: SmallDisk, server: Server) -> None:
        self.disk, self._server = disk, server

    def leave(self, kilobytes: int) -> None:
        self.disk.leave(kilobytes)

    def give_back(self) -> None:
        self.disk.give_back()
        until = time.monotonic() + _REVIVED_SECONDS
        while True:
            self._server.start()
            try:
                if isinstance(self._server, EmbeddedPostgres):
                    psycopg.connect(self._server.url(scheme="postgresql")).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)


class LogDisk(ServedDisk):
    """A small disk with the write-ahead log of a PostgreSQL alone: a file of it has so much room
    left, and there is none for the next."""

    def __init__(self, disk: SmallDisk, server: EmbeddedPostgres) -> None:
        super().__init__(disk, server)
        self._postgres = server
        server.stop()
        log = server.data / "pg_wal"
        subprocess.run(["cp", "-a", str(log), str(disk.place)], check=True)
        log.rename(log.with_name("pg_wal.aside"))
        log.symlink_to(disk.place / log.name)
        server.start()

    def leave(self, kilobytes: int) -> None:
        """A checkpoint at the beginning of a file makes no file in advance."""
        self._postgres.sql("SELECT pg_switch_wal()")
        self._postgres.sql("CHECKPOINT")
        position = int(self._postgres.sql("SELECT pg_current_wal_insert_lsn() - '0/0'"))
        left = _LOG_FILE - position % _LOG_FILE - (kilobytes << 10)
        length = int(left * _OF_A_PAGE) - _OF_A_RECORD
        self._postgres.sql(f"SELECT pg_logical_emit_message(false, '', repeat('x', {length}))")
        super().leave(0)
