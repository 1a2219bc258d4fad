"""A deployment with three real stores, for every story.

world     the stores' families by the test's parameter: PostgreSQL throughout unless it says so
make      makes further worlds: `make("sqlite", "sqlite", "postgresql")`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from connectors.endpoint import Endpoint
from tests.scenario.world import MakeWorld, World

_PG, _LITE = "postgresql", "sqlite"
ALL_POSTGRES = (_PG, _PG, _PG)


@pytest.fixture
def make(database: Callable[..., Endpoint], tmp_path: Path) -> Iterator[MakeWorld]:
    made: list[World] = []
    number = count(1)

    def make_world(*families: str) -> World:
        roles = ("source", "exchange", "target")
        stores = dict(zip(roles, map(database, families or ALL_POSTGRES), strict=True))
        made.append(World(tmp_path / f"config{next(number)}", stores))
        return made[-1]

    yield make_world
    for world in made:
        world.close()


@pytest.fixture
def world(make: MakeWorld, request: pytest.FixtureRequest) -> World:
    families = getattr(request, "param", ALL_POSTGRES)
    return make(*families)
