"""How log lines look: text as a person reads it, or one JSON object a line for a machine.

What a line is about (job, epoch, seq) is held in the context it is written in, so that every line
about a batch says which one, whoever writes it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count
from typing import Any, cast

from bridge.language import say, spoken
from connectors.errors import BridgeheadError, ConfigurationError

__all__ = [
    "LogFormat",
    "about",
    "begin",
    "in_json",
    "legible",
    "log",
    "log_error",
    "said",
    "wanted",
]

VARIABLE = "BRIDGEHEAD_LOG"
_RAISED_ABOUT = "raised_about"
_VALUE = re.compile("%[sd]")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)

log = logging.getLogger("bridgehead")

_subject: ContextVar[dict[str, str | int]] = ContextVar("subject", default={})  # noqa: B039


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


@contextmanager
def about(job: str, epoch: int | None = None, seq: int | None = None) -> Iterator[None]:
    """Lines written inside are about this job, and this batch of it; and so is an error that is
    raised inside, wherever it is told."""
    named = {"job": job, "epoch": epoch, "seq": seq}
    subject = {name: value for name, value in named.items() if value is not None}
    token = _subject.set(subject)
    try:
        yield
    except BridgeheadError as error:
        vars(error).setdefault(_RAISED_ABOUT, subject)
        raise
    finally:
        _subject.reset(token)


def wanted(given: LogFormat | None) -> LogFormat:
    """What was given, else BRIDGEHEAD_LOG, else text. Raises ConfigurationError."""
    named = given or os.environ.get(VARIABLE) or LogFormat.TEXT
    try:
        return LogFormat(named)
    except ValueError as error:
        raise ConfigurationError(
            f"{VARIABLE}={named!r} is no format of log lines", remedy="set it to text or json"
        ) from error


def begin(chosen: LogFormat) -> None:
    """From now on lines go to stderr in this format; it may be called again. In JSON the lines of
    libraries are told too: nothing else may stand between the lines."""
    root = logging.getLogger()
    for logger in (root, log):
        for handler in [h for h in logger.handlers if isinstance(h, _Stderr)]:
            logger.removeHandler(handler)
    handler = _Stderr()
    handler.setFormatter(_Json() if chosen is LogFormat.JSON else _Text())
    (root if chosen is LogFormat.JSON else log).addHandler(handler)
    logging.captureWarnings(chosen is LogFormat.JSON)
    log.setLevel(logging.INFO)


def legible(text: str) -> str:
    """What ends a line, moves the cursor, hides or turns what follows is shown as its number: names
    and keys come from tables, files and departments of others."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def in_json() -> bool:
    return any(isinstance(h.formatter, _Json) for h in logging.getLogger().handlers)


def log_error(error: BridgeheadError, tried: str, place: str | None) -> None:
    """An error that ends a command or a job's run, as a line."""
    found = {"tried": tried, "code": error.code, "endpoint": place, "remedy": error.remedy}
    fields = vars(error).get(_RAISED_ABOUT, {}) | {k: v for k, v in found.items() if v}
    log.error("%s", error.message, extra={"fields": fields})


class _Stderr(logging.Handler):
    """To what stderr is when the line is written."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


class _Text(logging.Formatter):
    """What goes on has a time; a warning stands for itself."""

    def format(self, record: logging.LogRecord) -> str:
        message = legible(said(record))
        if record.levelno > logging.INFO:
            return message
        return f"{datetime.fromtimestamp(record.created).astimezone():%Y-%m-%d %H:%M:%S} {message}"


def said(record: logging.LogRecord) -> str:
    """In the reader's language; its template and its values are known here."""
    if not record.args or spoken() == "en":
        return say(record.getMessage())
    places = count()
    template = _VALUE.sub(lambda _: f"{{{next(places)}}}", str(record.msg))
    return say(template, *cast(tuple[object, ...], record.args))


class _Json(logging.Formatter):
    """Our own messages hold no value of a row; those of libraries, and of exceptions, might."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": _message(record),
            **_subject.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] == log.name:
        return record.getMessage()
    return f"{record.name}: a message of this library is not shown, it might hold a row's values"
