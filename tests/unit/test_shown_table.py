"""A table on a terminal of any width: nothing is cut off, and no column is left out that says how
things stand."""

from __future__ import annotations

import io
from types import ModuleType

import pytest

from bridge.cli import events, shown, standing, watch
from bridge.cli.shown import table, verdict_text
from reconcile.verdict import Verdict

NAMES = ("renkou_jiben_xinxi_of_the_year_α", "renkou_jiben_xinxi_of_the_year_β")
TEXT = "Ψ the holidays of 2027 are not known; see bridgehead status and then go on Ω"
TEXTS = ("due by", "what happened", "what to do")
NEEDED = {
    standing: ["lag", "deviation", "quarantined", *TEXTS[:1]],
    events: ["state", *TEXTS[1:]],
    watch: ["position", "last batch", "lag"],
}


@pytest.mark.parametrize("command", NEEDED, ids=lambda module: module.__name__.split(".")[-1])
def test_what_somebody_must_know_is_there_at_any_width(
    command: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = (*command._COLUMNS, *command._MORE_COLUMNS)
    rows = [[_cell(column, name) for column in columns] for name in NAMES]
    for width in range(40, 300, 3):
        told = io.StringIO()
        screen = shown._Screen(file=told, width=width, force_terminal=True, color_system=None)
        monkeypatch.setattr(shown, "console", lambda screen=screen: screen)
        screen.print(table("", columns, rows, spare=command._SPARE, folds=command._FOLDS))
        text = told.getvalue()
        assert max(map(len, text.splitlines())) <= width
        assert all(word in text for name in NEEDED[command] for word in name.split()), width
        shown_texts = sum(name in TEXTS for name in NEEDED[command])
        counts = {"α": 1, "β": 1, "Ψ": 2 * shown_texts, "Ω": 2 * shown_texts}
        counts |= {"已核对": 2 * ("verdict" in columns)}
        counts |= {"1,234,567": 2 * sum(name in columns for name in ("deviation", "quarantined"))}
        assert {mark: text.count(mark) for mark in counts} == counts, width


def _cell(column: str, name: str) -> object:
    match column:
        case "job":
            return name
        case "verdict":
            return verdict_text(Verdict.RECONCILED)
        case "deviation" | "quarantined":
            return 1_234_567
    return TEXT if column in TEXTS else "113301000024895242"
