"""Messages as they are written and as they are said: a gettext catalogue of templates.

A message is finished before anybody knows who reads it, so its template is found again from its
text. `{0}`, `{1}` … in an entry stand for what was put in: any text, also an empty one; what was
put in side by side is one. `{1!t}` in the translation is a part that is said by the catalogue
itself; every other part is handed on as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["Catalogue", "Template", "entries", "filled"]

_PLACE = re.compile(r"\{(\d+)(!t)?\}")
_STRINGS = r'((?:"(?:[^"\\\n]|\\.)*"\s*)+)'
_ENTRY = re.compile(rf"^msgid {_STRINGS}^msgstr {_STRINGS}", re.MULTILINE)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')


@dataclass(frozen=True, slots=True)
class Template:
    """One message with places. `literals` is the text around them, one more than there are."""

    literals: tuple[str, ...]
    translation: str

    @property
    def weight(self) -> int:
        """How much of a message must be just so."""
        return sum(map(len, self.literals))

    def values(self, message: str) -> list[str] | None:
        """What stands at the places, or None where the message is not made from this."""
        first, *middle, last = self.literals
        low, high = len(first), len(message) - len(last)
        if high < low or not message.startswith(first) or not message.endswith(last):
            return None
        values = []
        for literal in middle:
            found = message.find(literal, low, high)
            if found < 0:
                return None
            values.append(message[low:found])
            low = found + len(literal)
        return [*values, message[low:high]]

    def is_certain(self, message: str) -> bool:
        """Whether only those values give this message: the places are the same from either end."""
        first, *middle, last = self.literals
        low, high = len(first), len(message) - len(last)
        forward, backward = [], []
        for literal in middle:
            found = message.find(literal, low, high)
            forward.append(found)
            low = found + len(literal)
        low = len(first)
        for literal in reversed(middle):
            high = message.rfind(literal, low, high)
            backward.append(high)
        return forward == backward[::-1]


@dataclass(frozen=True)
class Catalogue:
    """`known` are all translations. `templates` are those by which a finished message is known
    again, in the order in which they are tried: the one with the most text of its own wins."""

    known: dict[str, str] = field(default_factory=dict)
    templates: tuple[Template, ...] = ()

    @classmethod
    def read(cls, text: str) -> Catalogue:
        """From a .po file."""
        known = dict(entries(text))
        parted = ((tuple(_PLACE.split(message)[::3]), message) for message in known)
        templates = [Template(parts, known[m]) for parts, m in parted if len(parts) > 1]
        told_apart = [t for t in templates if any(part.strip() for part in t.literals)]
        return cls(known, tuple(sorted(told_apart, key=lambda t: -t.weight)))

    def translate(self, message: str) -> str:
        """The message itself where it is not known, and where it cannot be told which part of it
        is ours and which was put in."""
        known = self.known.get(message)
        if known is not None:
            return known
        for template in self.templates:
            values = template.values(message)
            if values is not None:
                certain = template.is_certain(message)
                return filled(template.translation, values, self.translate) if certain else message
        return self._after_a_name(message)

    def _after_a_name(self, message: str) -> str:
        """`name: message` is said where the message is."""
        name, colon, rest = message.partition(": ")
        if not colon or " " in name:
            return message
        said = self.translate(rest)
        return message if said == rest else f"{name}：{said}"

    def fill(self, template: str, values: Sequence[object]) -> str:
        """A template whose values are known."""
        texts = [str(value) for value in values]
        return filled(self.known.get(template, template), texts, self.translate)


def filled(template: str, values: Sequence[str], say: Callable[[str], str]) -> str:
    """With the values at their places; `say` is asked at a place with `!t`."""
    return _PLACE.sub(lambda place: (say if place[2] else str)(values[int(place[1])]), template)


def entries(text: str) -> Iterator[tuple[str, str]]:
    """Message and translation of every entry; the head of the file, whose message is empty, is
    none."""
    for message, translation in _ENTRY.findall(text):
        if plain := _unquoted(message):
            yield plain, _unquoted(translation)


def _unquoted(strings: str) -> str:
    return "".join(json.loads(string) for string in _STRING.findall(strings))
