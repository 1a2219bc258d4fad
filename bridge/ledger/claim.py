"""Which job fills which table of a target. Works in the caller's transaction there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from bridge.ledger.receiverschema import claim_row
from connectors.errors import StructureMismatch
from connectors.table import TableName

__all__ = ["Claim", "Claims"]


@dataclass(frozen=True)
class Claim:
    """One table is one job's of one department. `owned`: made by us, and not taken over."""

    table: TableName
    department: str
    job: str
    owned: bool

    def is_of(self, department: str, job: str) -> bool:
        return (self.department, self.job) == (department, job)

    def refusal(self, *, shared: bool) -> StructureMismatch:
        """Of another job, which may have claimed the table too, by another spelling: an earlier
        release took that for another table."""
        if shared:
            return StructureMismatch(
                f"table {self.table} is filled by job {self.job} of department {self.department} "
                "and, by another spelling, by this one",
                remedy="let one of them name another table, and bridgehead release TABLE "
                "--endpoint ENDPOINT --why TEXT, as it spelled it; then resync both",
            )
        return StructureMismatch(
            f"table {self.table} is filled by job {self.job} of department {self.department}",
            remedy="choose another target table; once that job does not fill it any more, its "
            f"department says bridgehead release {self.table} --endpoint ENDPOINT --why TEXT",
        )


_NAMES = ("table_schema", "table_name", "department", "job")
_CLAIMS = select(claim_row).order_by(claim_row.c.table_schema, claim_row.c.table_name)
_ALIKE = _CLAIMS.where(func.lower(claim_row.c.table_name) == func.lower(bindparam("named")))
_REMOVED = delete(claim_row).where(*(claim_row.c[n] == bindparam(f"with_{n}") for n in _NAMES))


class Claims:
    """Every department's, at one target."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def find(self, like: str | None = None) -> list[Claim]:
        """All of them; or those on tables of this name, in any schema and whatever its case."""
        query, values = (_CLAIMS, {}) if like is None else (_ALIKE, {"named": like})
        return [
            Claim(
                TableName(row.table_name, row.table_schema or None),
                row.department,
                row.job,
                bool(row.owned),
            )
            for row in self.connection.execute(query, values)
        ]

    def add(self, claim: Claim) -> None:
        """The caller holds the schema lock, and has seen that nobody claims the table."""
        made = {"owned": claim.owned, "claimed_at": datetime.now(UTC)}
        self.connection.execute(insert(claim_row), _names(claim) | made)

    def remove(self, claim: Claim) -> None:
        """Nothing happens if it is not there any more, or another's."""
        names = {f"with_{name}": value for name, value in _names(claim).items()}
        self.connection.execute(_REMOVED, names)


def _names(claim: Claim) -> dict[str, str]:
    place = claim.table.schema or "", claim.table.name
    return dict(zip(_NAMES, (*place, claim.department, claim.job), strict=True))
