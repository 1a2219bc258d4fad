"""The name that somebody may have meant."""

from __future__ import annotations

from connectors.errors import nearest


def test_the_nearest_name_is_named_but_never_the_name_itself() -> None:
    assert nearest("persn", ["person", "place"]) == "did you mean person?"
    assert nearest("person", ["person", "persons"]) == ""
    assert nearest("x", ["person"]) == ""
