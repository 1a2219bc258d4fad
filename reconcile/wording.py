"""What reports say, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Literal, NamedTuple

from markupsafe import Markup, escape

from reconcile.phrases import CODES, PHRASES
from reconcile.remedy import REMEDIES
from reconcile.statementphrases import STATEMENT_PHRASES
from reconcile.verdict import Verdict

__all__ = ["Language", "Speaker", "Words"]

Language = Literal["zh", "en"]

_PHRASES = {**PHRASES, **STATEMENT_PHRASES}
_TAGS: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}


class Words(NamedTuple):
    """The same in both languages."""

    zh: str
    en: str


class Count(int):
    """A number that writes itself with separators, and in English with its noun:
    `{n:batch|batches}` gives `1 batch` and `1,200 batches`."""

    def __format__(self, nouns: str) -> str:
        figure = f"{int(self):,}"
        if not nouns:
            return figure
        one, many = nouns.split("|")
        return f"{figure} {one if self == 1 else many}"


class Speaker:
    """Says a thing in every language of a page; marked up only where there are several."""

    names: Mapping[str, str] = {"zh": "中文", "en": "English"}

    def __init__(self, languages: tuple[Language, ...], zone: tzinfo) -> None:
        if not languages or len(set(languages)) != len(languages) or set(languages) - set(_TAGS):
            raise ValueError(f"languages must be distinct and among {sorted(_TAGS)}: {languages!r}")
        self.languages = languages
        self.tags = {language: _TAGS[language] for language in languages}
        self.zone = zone

    def say(self, phrase: str, **values: object) -> Markup:
        """A phrase of `PHRASES`, with numbers and texts put in."""
        words = _PHRASES[phrase]
        return self.words(
            Words(*(text.format(**_prepared(values, at)) for at, text in enumerate(words)))
        )

    def words(self, text: str | tuple[str, str]) -> Markup:
        """A text, escaped; plain text is the same in every language."""
        if isinstance(text, str):
            return escape(text)
        said = dict(zip(_TAGS, text, strict=True))
        if len(self.languages) == 1:
            return escape(said[self.languages[0]])
        spans = [
            Markup('<span lang="{}">{}</span>').format(_TAGS[language], said[language])
            for language in self.languages
        ]
        return Markup("").join(spans)

    def one(self, phrase: str, language: Language) -> str:
        """A phrase in one language, where no mark-up may stand."""
        return _PHRASES[phrase][list(_TAGS).index(language)]

    def plain(self, phrase: str) -> str:
        """The same in all languages of the page."""
        return " · ".join(self.one(phrase, language) for language in self.languages)

    def code(self, group: str, code: str) -> Markup:
        """The words for a code of `CODES[group]`; an unknown code speaks for itself."""
        return self.words(CODES[group].get(code, code))

    def verdict(self, verdict: Verdict) -> Markup:
        return self.words(Words(verdict.zh, verdict.en))

    def cause(self, cause: str | tuple[str, str]) -> Markup:
        return self.words(REMEDIES[cause][0] if cause in REMEDIES else cause)

    def next_step(
        self, cause: str | tuple[str, str] | None, step: str | tuple[str, str] | None
    ) -> Markup:
        """The step given, else the one that belongs to the cause, else to look into it."""
        if step is not None:
            return self.words(step)
        return self.words(REMEDIES[cause if cause in REMEDIES else "unknown"][1])

    def number(self, value: int) -> str:
        return f"{value:,}".replace("-", "−")

    def moment(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def minute(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%m-%d %H:%M}"

    def clock(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%m-%d %H:%M:%S}"

    def offset(self, moment: datetime) -> str:
        offset = f"{moment.astimezone(self.zone):%z}"
        return f"UTC{offset[:3]}:{offset[3:5]}"

    def duration(self, seconds: float) -> Words:
        """The two largest units: `3 min 20 s`, `2 d 4 h`."""
        return Words(_duration(seconds, "zh"), _duration(seconds, "en"))

    def percent(self, share: float) -> str:
        """Rounded down: 99.99 % is not all."""
        return f"{int(share * 10_000) / 100:g} %"


_UNITS = (
    (86_400, " 天", " d"),
    (3_600, " 小时", " h"),
    (60, " 分", " min"),
    (1, " 秒", " s"),
)


def _duration(seconds: float, language: Language) -> str:
    left = int(timedelta(seconds=max(0.0, seconds)).total_seconds())
    said = []
    for size, zh, en in _UNITS:
        count, left = divmod(left, size)
        if count:
            said.append(f"{count}{zh if language == 'zh' else en}")
    return " ".join(said[:2]) or ("不到 1 秒" if language == "zh" else "under 1 s")


def _prepared(values: Mapping[str, object], at: int) -> dict[str, object]:
    """Numbers as counts; of a pair of words, the one in this language."""
    ready: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, tuple):
            ready[name] = value[at]
        elif isinstance(value, int):
            ready[name] = Count(value)
        else:
            ready[name] = value
    return ready
