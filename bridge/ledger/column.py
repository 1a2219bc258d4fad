"""Columns that several of our own tables have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, String

from bridge.ledger.columntype import name_type

__all__ = ["department_column", "hash_column", "job_column", "number_column"]


def department_column(**options: Any) -> Column[str]:
    return Column("department", String(32), nullable=False, **options)


def job_column(**options: Any) -> Column[str]:
    return Column("job", name_type(), nullable=False, **options)


def number_column(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=False, **options)


def hash_column(name: str) -> Column[str]:
    return Column(name, String(64), nullable=False)
