"""Messages as they are written and as they are said: a gettext catalogue of templates.

A message is finished before anybody knows who reads it, so its template is found again from its
text. `{0}`, `{1}` … in an entry stand for what was put in: any text, also an empty one; what was
put in side by side is one. In a translation `{1!t}` is a text that is said in Chinese itself,
`{1!w}` a single word, and `{1!e}` an error as it writes itself; every other part is handed on as
it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["Catalogue", "Template", "entries", "filled"]

_PLACE = re.compile(r"\{(\d+)(?:!([tew]))?\}")
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

    @property
    def begins(self) -> bool:
        """Whether its own words come first: what they introduce may be a message too."""
        return _letters(self.literals[0]) >= 8

    @property
    def tells_apart(self) -> bool:
        """Whether it has words enough that a message of another origin is not taken for it."""
        first, *middle, last = map(_letters, self.literals)
        return first >= 2 or first + last + sum(middle) >= 6

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
    again, in the order in which they are tried: those that begin with words of their own first,
    and the one with the most of them before the others."""

    known: dict[str, str] = field(default_factory=dict)
    templates: tuple[Template, ...] = ()

    @classmethod
    def read(cls, text: str) -> Catalogue:
        """From a .po file."""
        known = dict(entries(text))
        parted = ((tuple(_PLACE.split(message)[::3]), message) for message in known)
        templates = [Template(parts, known[m]) for parts, m in parted if len(parts) > 1]
        told_apart = (template for template in templates if template.tells_apart)
        return cls(known, tuple(sorted(told_apart, key=lambda t: (not t.begins, -t.weight))))

    def translate(self, message: str) -> str:
        """The message itself where it is not known, and where it cannot be told which part of it
        is ours and which was put in."""
        known = self.known.get(message)
        if known is not None and not _PLACE.search(message):
            return known
        if (said := self._with_details(message)) is not None:
            return said
        for template in self.templates:
            values = template.values(message)
            if values is not None:
                certain = template.is_certain(message)
                return self._filled(template.translation, values) if certain else message
        return self._in_parts(message)

    def _with_details(self, message: str) -> str | None:
        """A message without a place may be followed by ` (code)`."""
        head, bracket, inside = message.rpartition(" (")
        if bracket and inside.endswith(")") and self._is_fixed(head):
            return f"{self.known[head]}（{self.say_text(inside[:-1])}）"
        return None

    def _is_fixed(self, message: str) -> bool:
        """One word is more likely a name that is also a word."""
        return " " in message and message in self.known and not _PLACE.search(message)

    def _in_parts(self, message: str) -> str:
        """Messages are put together as `message; message`, `name: message`, `message: names`
        and `message (hint)`. What is not known stays."""
        head, semicolon, tail = message.rpartition("; ")
        if semicolon and (said := self.translate(tail)) != tail:
            return f"{self.translate(head)}；{said}"
        head, colon, rest = message.partition(": ")
        if colon:
            said = self.translate(rest) if " " in rest else rest
            start = self.say_text(head)
            if said != rest or start != head:
                return f"{start}：{said}"
        head, bracket, inside = message.rpartition(" (")
        if bracket and inside.endswith(")"):
            start, hint = self.say_text(head), self.say_text(inside[:-1])
            if (start, hint) != (head, inside[:-1]):
                return f"{start}（{hint}）"
        return message

    def fill(self, template: str, values: Sequence[object]) -> str:
        """A template whose values are known."""
        return self._filled(self.known.get(template, template), [str(value) for value in values])

    def _filled(self, translation: str, values: Sequence[str]) -> str:
        ways: dict[str | None, Callable[[str], str]]
        ways = {"t": self.say_text, "e": self.say_error, "w": self.translate, None: str}
        return _PLACE.sub(lambda place: ways[place[2]](values[int(place[1])]), translation)

    def say_text(self, text: str) -> str:
        """Of what may be a name: one word is more likely a name that is also a word. Several
        messages may be joined."""
        parts = text.split("; ")
        said = [self.translate(part) for part in parts]
        if len(parts) > 1 and all(map(str.__ne__, parts, said)):
            return "；".join(said)
        return self.translate(text) if " " in text else text

    def say_error(self, text: str) -> str:
        """`[endpoint] message → what to do`, or a line for each problem of a configuration."""
        if "\n" in text:
            return "\n".join(map(self.translate, text.split("\n")))
        rest, arrow, remedy = text.partition(" → ")
        place, bracket, message = rest.partition("] ")
        if not (bracket and place.startswith("[")):
            place, bracket, message = "", "", rest
        return f"{place}{bracket}{self.say_text(message)}{arrow}{self.say_text(remedy)}"


def filled(template: str, values: Sequence[object]) -> str:
    """With the values at their places."""
    return _PLACE.sub(lambda place: str(values[int(place[1])]), template)


def entries(text: str) -> Iterator[tuple[str, str]]:
    """Message and translation of every entry; the head of the file, whose message is empty, is
    none."""
    for message, translation in _ENTRY.findall(text):
        if plain := _unquoted(message):
            yield plain, _unquoted(translation)


def _letters(text: str) -> int:
    return sum(letter.isascii() and letter.isalpha() for letter in text)


def _unquoted(strings: str) -> str:
    return "".join(json.loads(string) for string in _STRING.findall(strings))
