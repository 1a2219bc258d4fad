"""Which of the keys that rows were set aside under the exchange can hold at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from bridge.route.mapping import Route
from bridge.transform.rows import check_column
from bridge.transform.textarray import rows_of

__all__ = ["holdable"]


def holdable(keys: Sequence[Sequence[str | None]], route: Route) -> list[tuple[str, ...]]:
    """Those of `keys`, as the quarantine names them, that are no fault themselves: a store that
    compares with one it cannot read refuses the statement."""
    good = np.ones(len(keys), dtype=bool)
    columns = {column.name: column for column in route.columns}
    for place, name in enumerate(route.key):
        values = pa.array([key[place] for key in keys], pa.string())
        good &= rows_of(values.is_valid())
        for finding in check_column(values, columns[name], route.limits)[1]:
            good &= ~finding.rows
    return [tuple(map(str, key)) for key, is_good in zip(keys, good, strict=True) if is_good]
