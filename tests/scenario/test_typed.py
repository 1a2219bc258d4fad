"""Each type as a key and beside it, through a job's life: here some of each family, in chains that
have each family in every place; all of them by `scripts/proof --kind types`."""

from __future__ import annotations

import pytest

from tests.conformance.natives import Native, types_of
from tests.scenario.world import World
from tests.typed import carry

_CHAINS = {
    ("postgresql", "mysql", "sqlite"): "cursor",
    ("mysql", "sqlite", "postgresql"): "compare",
    ("sqlite", "postgresql", "mysql"): "cursor",
    ("mysql", "postgresql", "mysql"): "compare",  # adopted, as the source is of the target's family
}
_EVERY = 8
CASES = [
    (chain, native, capture)
    for place, (chain, capture) in enumerate(_CHAINS.items())
    for native in [native for native in types_of(chain[0]) if native.values][place::_EVERY]
]
CASES += [  # which that exchange keeps as text
    (("mysql",) * 3, native, "cursor") for native in types_of("mysql") if native.declared == "uuid"
]


@pytest.mark.parametrize(
    ("world", "native", "capture"),
    CASES,
    indirect=["world"],
    ids=[f"{'-'.join(chain)}-{native.declared}" for chain, native, _ in CASES],
)
def test_a_type_is_carried(world: World, native: Native, capture: str) -> None:
    families = [store.family for store in world.stores.values()]
    carried = carry(world, native, capture, adopted=families[0] == families[2])
    assert carried.findings == []
    assert carried.rows > carried.aside
