"""What a family can do and hold, as data."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.selection import Format

__all__ = ["Capabilities"]


@dataclass(frozen=True)
class Capabilities:
    """What a family can do and hold, as data.

    `reads` and `loads` are the formats beyond ARROW. `concurrent`: other sessions may work on the
    store while one of ours has a transaction open. `transactional_ddl`: a table that is made or
    changed in a transaction is part of it. `files`: its tables are files, which say no
    types, and it is never written. `strict`: what a column cannot hold as it is, a load refuses
    with RowRefused, in every format; so rows may be loaded without a look. The rest says which
    values a column of the right type may still refuse.
    """

    reads: frozenset[Format] = frozenset()
    loads: frozenset[Format] = frozenset()
    concurrent: bool = True
    transactional_ddl: bool = True
    schemas: bool = True
    strict: bool = False
    nul_in_text: bool = False
    empty_text: bool = True  # False: the store takes an empty text for NULL
    infinite_times: bool = False
    unreal_dates: bool = False  # 0000-00-00 and 2024-05-00
    long_times: bool = False  # -838:59:59 to 838:59:59, not only 00:00:00 to 24:00:00
    special_floats: bool = True
    special_decimals: bool = False
    files: bool = False
    year_low: int = 1
    year_high: int = 9999
