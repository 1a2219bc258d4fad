"""What of a text would be English to a reader of Chinese."""

from __future__ import annotations

import re

from bridge.language.speech import chinese

__all__ = ["left_in_english"]

_NOT_PROSE = re.compile(r"bridgehead [a-z]+ \S+|'[^']*'")
_SENTENCE = re.compile(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b")


def left_in_english(message: str) -> list[str]:
    """Three English words in a row, once the message is said in Chinese; a line is one message."""
    said = map(chinese().translate, message.splitlines())
    return [words for line in said for words in _SENTENCE.findall(_NOT_PROSE.sub("", line))]
