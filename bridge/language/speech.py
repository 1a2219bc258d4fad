"""Which language this process speaks, and how a finished message is said in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from bridge.language.catalogue import Catalogue, filled

__all__ = ["LANGUAGES", "Language", "chinese", "say", "say_error", "speak", "spoken", "wanted"]

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

# In the order in which POSIX lets them decide.
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
_spoken: Language = "en"


def wanted(environment: Mapping[str, str]) -> Language:
    """What the locale asks for; everything but Chinese is English."""
    chosen = next((value for name in _VARIABLES if (value := environment.get(name))), "")
    return "zh" if chosen.lower().startswith("zh") else "en"


def speak(language: Language) -> None:
    """From now on, in this process."""
    global _spoken
    _spoken = language


def spoken() -> Language:
    return _spoken


def say(message: str, *values: object) -> str:
    """In the language of the reader: a finished message, or a template `… {0} …` with its values.
    What a message was made with — names, numbers, values — is in it unchanged; a message that is
    not known stays as it is."""
    if _spoken == "zh":
        return chinese().fill(message, values) if values else chinese().translate(message)
    return filled(message, values) if values else message


def say_error(error: Exception) -> str:
    """As it writes itself, in the language of the reader: `[endpoint] message → what to do`, or a
    line for each problem of a configuration."""
    return chinese().say_error(str(error)) if _spoken == "zh" else str(error)


@cache
def chinese() -> Catalogue:
    """Read when the first message is said in Chinese: English costs nothing."""
    return Catalogue.read((files("bridge.language") / "zh.po").read_text(encoding="utf-8"))
