"""The chart: seconds on the clock, hop by hop, ours beside the floor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.figure import BOTH, HOPS, Figure, Scenario, Side, ratios, spread, used

__all__ = ["draw"]

_COLOURS = {Side.FLOOR: "#9aa5b1", Side.OURS: "#1f5fa8"}
_SHOWN = (
    *((Scenario.FIRST_LOAD, hop) for hop in (*HOPS, BOTH)),
    (Scenario.CHANGES, BOTH),
    (Scenario.UPSERTS, BOTH),
)
_LABELS = {
    Scenario.FIRST_LOAD: "first load",
    Scenario.CHANGES: "changes,\ndeletes found",
    Scenario.UPSERTS: "changes,\nno deletes",
}


def draw(figures: Sequence[Figure], title: str, path: Path) -> None:
    """Medians, with the lowest and highest repeat, and the ratio above each of our bars."""
    import matplotlib as mpl  # heavy: only after everything was measured

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import Rectangle

    quotients = {
        (r.scenario, r.hop): r.span for r in ratios(figures) if r.measure == "wall_seconds"
    }
    plot, axes = plt.subplots(figsize=(9, 4.8), layout="constrained")
    for offset, side in ((-0.2, Side.FLOOR), (0.2, Side.OURS)):
        for place, (scenario, hop) in enumerate(_SHOWN):
            usages = list(used(figures, scenario, side, hop).values())
            if not usages:
                continue
            span = spread([usage.wall_seconds for usage in usages])
            reach = [[span.median - span.low], [span.high - span.median]]
            axes.bar(place + offset, span.median, 0.38, color=_COLOURS[side], yerr=reach, capsize=3)
            quotient = quotients.get((scenario, hop))
            label = f"{span.median:.1f} s"
            if side is Side.OURS and quotient:
                label += f"\n{quotient.median:.2f} ×"
            axes.annotate(
                label,
                (place + offset, span.high),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
    axes.set_xticks(range(len(_SHOWN)), [f"{_LABELS[s]}\n{hop}" for s, hop in _SHOWN])
    axes.set_ylabel("seconds")
    axes.margins(y=0.15)
    axes.set_title(title, fontsize=10)
    axes.legend(handles=[Rectangle((0, 0), 1, 1, color=c, label=s) for s, c in _COLOURS.items()])
    axes.spines[["top", "right"]].set_visible(False)
    plot.savefig(path, dpi=130)
    plt.close(plot)
