"""What `check` looks at in the texts of a source and in the keys of a target: charset, collation,
characters that were lost before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bridge.hold import Hold
from bridge.inspection.charset import Judgement, Sample, judge
from bridge.inspection.finding import Finding, Level
from bridge.inspection.rowsample import RowSample, texts_of
from bridge.plan import Plan
from connectors.errors import RowRefused
from connectors.selection import count_containing
from connectors.table import Column

__all__ = ["charset", "collation", "lost_characters"]

_COLUMNS_AT_ONCE = 100
_REPLACEMENT = "\ufffd"
_DOUBTFUL = 1e-3  # beyond this chance, or of fewer values than these, nothing is said
_NEEDED_VALUES = 2


def charset(held: Hold, plan: Plan, sample: RowSample) -> Iterator[Finding]:
    columns = texts_of(plan)
    if not columns or held.source.dialect.raw_text("x") is None:
        return
    found = [finding for c in columns for finding in _of_column(held, c, sample.texts[c.name])]
    if not found:
        beyond = sum(map(len, sample.texts.values()))
        first, drawn = f"{sample.rows - sample.drawn:,}", f"{sample.drawn:,}"
        what = f"{beyond:,} texts beyond ASCII in the first {first} rows"
        if sample.drawn:
            what = f"{beyond:,} texts beyond ASCII in the first {first} rows and {drawn} by chance"
        charsets = sorted({c.charset for c in columns} - {"", "ascii"})
        read = f"read as {', '.join(charsets)}" if charsets else "read as the store declares them"
        found = [Finding(held.name, "charset", f"{what}: {read}")]
    yield from found


def lost_characters(held: Hold, plan: Plan) -> Iterator[Finding]:
    """What stands where a character was lost before: only the source can mend it."""
    columns = texts_of(plan)
    marks = ("?", "??", _REPLACEMENT)
    try:
        counts = _counts(held, plan, columns, marks)
    except RowRefused:  # the store's charset has no such character
        counts = [(*found, 0) for found in _counts(held, plan, columns, marks[:-1])]
    for column, (single, double, replaced) in zip(columns, counts, strict=True):
        if not (replaced or single):
            continue
        found = f"{column.name}: {replaced:,} texts hold U+FFFD, {single:,} hold ?"
        level = Level.WARNING if replaced or double else Level.OK
        remedy = "where these stand for lost characters, only the source can mend them"
        yield Finding(held.name, "lost characters", found, level, remedy if replaced else "")


def _counts(
    held: Hold, plan: Plan, columns: Sequence[Column], marks: Sequence[str]
) -> list[tuple[int, ...]]:
    """For each column, how many of its texts hold each of the marks."""
    counts: list[int] = []
    with held.source.transaction():
        for start in range(0, len(columns), _COLUMNS_AT_ONCE):
            part = columns[start : start + _COLUMNS_AT_ONCE]
            statement = count_containing(held.source.dialect, plan.table, part, marks)
            (row,) = held.source.rows(statement)
            counts.extend(int(count) for count in row)
    return [tuple(counts[i : i + len(marks)]) for i in range(0, len(counts), len(marks))]


def collation(held: Hold, plan: Plan) -> Iterator[Finding]:
    folding = [c for c in plan.effects.key_columns if c.folds]
    for column in folding:
        found = (
            f"{column.name} has the collation {column.collation or column.native} at the target, "
            "which takes different texts for one: such a key is refused there, not merged"
        )
        remedy = "give the key a collation there that tells all texts apart"
        yield Finding(held.name, "collation", found, Level.WARNING, remedy)


def _of_column(held: Hold, column: Column, samples: Sequence[Sample]) -> Iterator[Finding]:
    if column.charset == "ascii":
        if samples:
            found = f"{column.name}: {len(samples):,} keys go beyond ASCII, and go into quarantine"
            remedy = "name a key of digits or ASCII letters, or leave charset out"
            yield Finding(held.name, "charset", found, Level.WARNING, remedy)
        return
    judged = judge(samples)
    if judged.charset and not _says_enough(judged):
        judged = replace(judged, charset=None)
    if judged.charset or judged.unreadable:
        yield Finding(held.name, "charset", _told(column, judged), Level.WARNING, _remedy(judged))


def _says_enough(judged: Judgement) -> bool:
    proven = judged.values >= _NEEDED_VALUES and judged.chance <= _DOUBTFUL
    return proven or judged.unreadable > 0


def _told(column: Column, judged: Judgement) -> str:
    read = f"as {column.charset}" if column.charset else "as the store declares them"
    beyond, unreadable = f"{judged.values:,}", f"{judged.unreadable:,}"
    told = f"{column.name}: of {beyond} texts beyond ASCII, {unreadable} cannot be read {read}"
    if not judged.charset:
        return f"{told}; they go into quarantine"
    common = f"{judged.common} of {judged.characters} characters are common ones"
    told += f"; read as {judged.charset}, {common}, {judged.sureness}"
    if judged.undecodable:
        told += f"; {judged.undecodable:,} are neither, and go into quarantine"
    return told


def _remedy(judged: Judgement) -> str:
    if judged.converted:
        return "they were taken for Latin-1 when written: a view must turn them back"
    if judged.charset and judged.sound:
        return (
            f"{judged.sound:,} others are UTF-8: a column of two charsets is mended at the source"
        )
    if judged.charset:
        return f"set source: {{charset: {judged.charset}}}, or charset at this column"
    return "find out what wrote them, and set source.charset if it is one charset"
