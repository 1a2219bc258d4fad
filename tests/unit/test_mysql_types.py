"""What a column of MariaDB or MySQL takes: beyond it a type is kept as text, and a key has room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.mysql.dialect import MysqlDialect
from connectors.table import Column, Kind, Type

D = MysqlDialect()
TEXT, BINARY, DECIMAL = Type(Kind.TEXT), Type(Kind.BINARY), Type(Kind.DECIMAL)
LONG = "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
POINT, BITS = (Type(Kind.NATIVE, family="mysql", native=n) for n in ("point", "bit(9)"))


def text(length: int) -> Type:
    return replace(TEXT, length=length)


def short(length: int, word: str = "VARCHAR") -> str:
    return f"{word}({length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        (DECIMAL, LONG),
        (replace(DECIMAL, precision=65, scale=30), "DECIMAL(65,30)"),
        (replace(DECIMAL, precision=66, scale=30), LONG),
        (replace(DECIMAL, precision=65, scale=31), LONG),
        (replace(DECIMAL, precision=65), "DECIMAL(65,0)"),
        (TEXT, LONG),
        (text(255), short(255)),
        (text(256), LONG),
        (replace(text(9), padded=True), short(9, "CHAR")),
        (BINARY, "LONGBLOB"),
        (replace(BINARY, length=255), "VARBINARY(255)"),
        (replace(BINARY, length=256), "LONGBLOB"),
        (Type(Kind.TIME, fraction=9), "TIME(6)"),
        (Type(Kind.TIME, fraction=3, zoned=True), LONG),
        (POINT, "point"),
        (replace(POINT, family="oracle"), LONG),
        (replace(POINT, native=""), LONG),
        (Type(Kind.JSON), "JSON"),
        (Type(Kind.UUID), short(36)),
    ],
    ids=str,
)
def test_what_a_column_does_not_take_is_kept_as_text(kind: Type, held: str) -> None:
    assert D.ddl(kind) == held
    assert D.ddl(D.represent(kind)) == held


@pytest.mark.parametrize(
    ("declared", "room"),
    [
        ((TEXT,), (768,)),
        ((TEXT, TEXT), (384, 384)),
        ((TEXT, BINARY), (384, 1536)),
        ((Type(Kind.INTEGER), TEXT), (None, 759)),
        ((text(768),), (768,)),
        ((text(769),), (768,)),
        ((text(100), text(668)), (100, 668)),
        ((text(100), text(669)), (100, 384)),
        ((text(900), replace(BINARY, length=9)), (384, 9)),
        ((BITS, TEXT), (None, 759)),
    ],
    ids=str,
)
def test_the_texts_of_a_key_share_what_an_index_takes(
    declared: tuple[Type, ...], room: tuple[int | None, ...]
) -> None:
    assert tuple(kind.length for kind in D.in_key(declared)) == room


def test_a_key_is_declared_as_wide_as_it_has_room_and_as_it_compares() -> None:
    def key(kind: Type, **more: object) -> str:
        column = Column("k", kind, **more)  # type: ignore[arg-type]
        return D.body([column, Column("v", TEXT)], ["k"])

    assert key(TEXT).startswith(f"`k` {short(768)}, `v` {LONG}, ")
    assert key(replace(text(9), padded=True)).startswith(f"`k` {short(9)}, ")
    assert key(Type(Kind.UUID)).startswith(f"`k` {short(36)}, ")
    assert key(BINARY).startswith("`k` VARBINARY(3072), ")
    assert key(replace(BINARY, length=9)).startswith("`k` VARBINARY(9), ")
    assert key(BITS).startswith("`k` bit(9), ")
    german = "VARCHAR(9) CHARACTER SET latin1 COLLATE latin1_german2_ci"
    assert key(text(9), collation="latin1_german2_ci").startswith(f"`k` {german}, ")
    assert key(text(9), collation="latin1_german2_ci", folds=True).startswith(f"`k` {short(9)}, ")


@pytest.mark.parametrize(
    ("kind", "mark"),
    [(Type(Kind.TIMESTAMP, zoned=True), " [UTC]"), (Type(Kind.TIMESTAMP), ""), (TEXT, "")],
    ids=str,
)
def test_an_instant_keeps_its_mark_behind_any_comment(kind: Type, mark: str) -> None:
    for comment, kept in (
        ("when it's so", "when it''s so"),
        ("x" * 2000, "x" * (1000 - len(mark))),
    ):
        columns = [Column("k", Type(Kind.INTEGER)), Column("v", kind, comment=comment)]
        assert f" COMMENT '{kept}{mark}', " in D.body(columns, ["k"])
