"""The Chinese catalogue has every message of the sources, and no other."""

from __future__ import annotations

from functools import cache

from bridge.language.speech import chinese
from tests.language.sources import messages

# What others say: Typer, pydantic, libpq, servers and the YAML parser.
_OF_OTHERS = {
    "Missing option {0}.",
    "Missing argument {0}.",
    "No such option: {0}",
    "No such command {0}.",
    "No such command {0}. Did you mean {1}?",
    "No such option: {0} (Possible options: {1})",
    "Invalid value: {0}",
    "Invalid value for {0}: {1}",
    "Option {0} requires an argument.",
    "Option {0} does not take a value.",
    "{0} is not one of {1}.",
    "Show this message and exit.",
    "Got unexpected extra argument(s) ({0})",
    "Value error, {0}",
    "Input should be a valid integer, unable to parse string as an integer",
    "Input should be less than or equal to {0}",
    "Input should be greater than or equal to {0}",
    "password authentication failed for user {0}",
    "database {0} does not exist",
    "canceling statement due to statement timeout",
    "connection failed: connection to server at {0}, port {1} failed: {2}",
    "did not find expected node content",
    "Connection refused",
    "Connection timed out",
    "No route to host",
    "input should be greater than or equal to {0}, found {1}",
    "input should be less than or equal to {0}, found {1}",
    "string should match pattern {0}, found {1}",
    "value should have at most {0} items after validation, not {1}, found {2}",
    "tuple should have at most {0} items after validation, not {1}, found {2}",
    "dictionary should have at least {0} item after validation, not {1}, found {2}",
    "input should be {0}, found {1}",
    "found unexpected end of stream",
    "mapping values are not allowed in this context",
    "found character that cannot start any token",
    "did not find expected ',' or ']'",
    "did not find expected ',' or '}'",
    "did not find expected key",
    "could not find expected ':'",
    "found a tab character that violates indentation",
    "found undefined alias",
    "did not find expected '-' indicator",
    "block sequence entries are not allowed in this context",
    "found unknown escape character",
    "Access denied for user {0} (using password: {1})",
    "relation {0} does not exist",
    "column {0} does not exist",
    "no such table: {0}",
    "no such column: {0}",
    "fe_sendauth: no password supplied",
    "connection to server at {0}, port {1} failed: {2}",
    "server closed the connection unexpectedly",
    "could not connect to server: {0}",
}


@cache
def _needed() -> dict[str, str]:
    return {message.template: message.place for message in messages()}


def test_every_message_has_a_translation() -> None:
    known = chinese().known
    missing = [f"{place}: {text!r}" for text, place in _needed().items() if text not in known]
    assert missing == [], "bridge/language/zh.po lacks these"


def test_no_translation_is_of_a_message_that_nothing_says_any_more() -> None:
    assert set(chinese().known) - _needed().keys() - _OF_OTHERS == set()
