"""What the bytes of a source's texts are, whatever the store calls them: a judgement by statistics.

Bytes written in GBK into a column of another charset read as `ÕÅÈý` or not at all. They betray
themselves: decoded as GB 18030 nearly all of their characters are common Chinese ones, the 3,755
of level 1 of GB 2312, of which random bytes would hit two in five.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

__all__ = ["Judgement", "Sample", "judge"]

Sample = tuple[bytes, str | None]
"""A value beyond ASCII: its bytes, and the text that it is read as; None where it is none."""

_MOST_CHARACTERS = 400
_NEEDED_SHARE = 0.6
_NEEDED_DECODED = 0.7


@dataclass(frozen=True)
class _Candidate:
    """A charset, the lead bytes of its common characters in `table`, and how often a character of
    random high bytes would be among them."""

    name: str
    table: str
    leads: tuple[range, ...]
    by_chance: float


# UTF-8 proves itself: what decodes at all is hardly anything else.
_CANDIDATES = (
    _Candidate("utf-8", "utf-8", (range(256),), 0.12),
    _Candidate("gb18030", "gb2312", (range(0xA1, 0xA4), range(0xB0, 0xD8)), 0.46),
    _Candidate("big5", "big5", (range(0xA1, 0xA4), range(0xA4, 0xC7)), 0.41),
)


@dataclass(frozen=True)
class Judgement:
    """What a column's values beyond ASCII are taken for.

    `charset` is None where they are what the store says. `unreadable` of the `values` are no text
    as they are read now, `sound` of them are UTF-8 and read as that, and `undecodable` are none of
    the charset either. `common` of `characters` are common ones of it; `chance` is that of so many
    in bytes of anything else. `converted`: the store itself turned them into UTF-8 when they were
    written, as if they had been Latin-1.
    """

    values: int
    unreadable: int
    sound: int
    charset: str | None = None
    undecodable: int = 0
    common: int = 0
    characters: int = 0
    chance: float = 1.0
    converted: bool = False

    @property
    def sureness(self) -> str:
        odds = f"(by chance: 1 in {_odds(self.chance)})"
        if self.chance < 1e-5:
            return f"sure {odds}"
        return f"{'likely' if self.chance < 1e-3 else 'possible'} {odds}"


def judge(samples: Sequence[Sample]) -> Judgement:
    """Of the values of one column that go beyond ASCII. What is UTF-8 and read as that proves
    itself, unless it is what Latin-1 became."""
    sound = [one for one in samples if one[1] is not None and one[0] == one[1].encode()]
    plain = Judgement(len(samples), sum(text is None for _, text in samples), len(sound))
    others = [one for one in samples if one[1] is None or one[0] != one[1].encode()]
    found = [_read_as(candidate, others, plain) for candidate in _CANDIDATES]
    latin = [(raw, text) for _, text in sound if (raw := _as_latin(text or "")) is not None]
    if not others and len(latin) == len(sound):
        found += [_read_as(c, latin, replace(plain, converted=True)) for c in _CANDIDATES]
    likely = [one for one in found if one is not None]
    best = min(likely, key=lambda one: (one.undecodable, one.chance), default=plain)
    return plain if best.charset and _is_right_as_read(others, best) else best


def _is_right_as_read(samples: Sequence[Sample], other: Judgement) -> bool:
    """Whether the texts as they are read now have as large a share of common characters."""
    for candidate in _CANDIDATES:
        if samples and all(text == _decoded(raw, candidate.name) for raw, text in samples):
            common, characters = _counted([text or "" for _, text in samples], candidate)
            return common * other.characters >= other.common * max(1, characters)
    return False


def _read_as(
    candidate: _Candidate, samples: Sequence[Sample], plain: Judgement
) -> Judgement | None:
    """None where the values are not of this charset, or are read as it already. A value that is
    there often says no more than once."""
    texts = [_decoded(raw, candidate.name) for raw, _ in samples]
    good = [text for text in texts if text is not None]
    if len(good) < _NEEDED_DECODED * len(samples) or not good:
        return None
    if all(text == read for text, (_, read) in zip(texts, samples, strict=True) if text):
        return None
    common, characters = _counted(good, candidate)
    if not characters or common < _NEEDED_SHARE * characters:
        return None
    return replace(
        plain,
        charset=candidate.name,
        undecodable=len(samples) - len(good),
        common=common,
        characters=characters,
        chance=_chance(common, characters, candidate.by_chance),
    )


def _counted(texts: Sequence[str], candidate: _Candidate) -> tuple[int, int]:
    """How many of the characters beyond ASCII are common ones, and how many there are."""
    whole = "".join(dict.fromkeys(texts))
    characters = [c for c in whole if not c.isascii()][:_MOST_CHARACTERS]
    return sum(_is_common(c, candidate) for c in characters), len(characters)


def _as_latin(text: str) -> bytes | None:
    """The bytes that would have become this text, taken for Latin-1; None if none would."""
    for charset in ("latin-1", "cp1252"):
        try:
            return text.encode(charset)
        except UnicodeEncodeError:
            continue
    return None


def _decoded(raw: bytes, charset: str) -> str | None:
    try:
        return raw.decode(charset)
    except UnicodeDecodeError:
        return None


def _is_common(character: str, candidate: _Candidate) -> bool:
    try:
        lead = character.encode(candidate.table)[0]
    except UnicodeEncodeError:
        return False
    return any(lead in leads for leads in candidate.leads)


def _chance(common: int, characters: int, each: float) -> float:
    """That of at least so many common characters among independent ones."""
    terms: Iterable[float] = (
        math.comb(characters, n) * each**n * (1 - each) ** (characters - n)
        for n in range(common, characters + 1)
    )
    return min(1.0, math.fsum(terms))


def _odds(chance: float) -> str:
    most = 10**12
    return f"{min(most, round(1 / chance)):,}" if chance > 1 / most else f"{most:,} or more"
