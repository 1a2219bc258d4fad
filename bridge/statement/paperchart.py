"""A statement's charts on paper."""

from __future__ import annotations

from bridge.statement.grid import Colour
from bridge.statement.sheet import BAD, FULL, HAIR, SOFT, Sheet
from reconcile.chart import Chart, Pillars

__all__ = ["ChartSheet"]

_FLATTEST = 0.4  # of the height that a chart should have
_HEAD = 9.0  # mm of a heading
_LABEL = 2.2  # mm between a bar and its number

_PARTS: dict[str, Colour] = {
    "inserted": (47, 102, 144),
    "updated": (129, 164, 205),
    "deleted": (201, 137, 88),
    "unchanged": (190, 198, 207),
}


class ChartSheet(Sheet):
    _flat = 1.0

    def charts(self, sides: Chart, deviations: Pillars, below: float) -> None:
        """Both on this page, made flatter where they would not fit; on the next one where nobody
        could read that. `below` is the height of what must follow them."""
        height = sum(c.height * FULL / c.width for c in (sides, deviations) if c.height)
        if not deviations.most:
            height = sides.height * FULL / sides.width
        room = self.h - self.b_margin - self.get_y() - below - 2 * _HEAD
        if room < height * _FLATTEST:
            self.add_page()
            room = height
        self._flat = min(1.0, room / height)
        self._sides(sides)
        self._pillars(deviations)

    def _sides(self, chart: Chart) -> None:
        scale = FULL / chart.width
        tall = scale * self._flat
        self._heading("day_chart", self._legend(chart))
        left, top = self.l_margin, self.get_y()
        self._ink(6, SOFT)
        for tick in chart.ticks:
            for y in (tick.above, tick.below):
                self.set_draw_color(*HAIR)
                self.line(
                    left + chart.left * scale,
                    top + y * tall,
                    left + chart.right * scale,
                    top + y * tall,
                )
                self._at(left, top + y * tall, self.speaker.number(tick.value))
        self._at(left, top + (chart.axis - 8) * tall, self._say("chart_sent") + " ↑")
        self._at(left, top + (chart.axis + 14) * tall, self._say("chart_received") + " ↓")
        for bar in chart.bars:
            for block in bar.blocks:
                self.set_fill_color(*_PARTS[block.part])
                self.rect(
                    left + bar.x * scale,
                    top + block.y * tall,
                    bar.width * scale,
                    block.height * tall,
                    style="F",
                )
            if bar.label:
                self._centred(left + bar.middle * scale, top + (chart.height - 6) * tall, bar.label)
            if chart.valued:
                self._centred(
                    left + bar.middle * scale,
                    top + bar.top * tall - _LABEL,
                    self.speaker.number(bar.sent),
                )
                self._centred(
                    left + bar.middle * scale,
                    top + bar.bottom * tall + _LABEL,
                    self.speaker.number(bar.received),
                )
        self._axis(left, top + chart.axis * tall, chart.left * scale, chart.right * scale)
        self.set_y(top + chart.height * tall + 1)

    def _pillars(self, pillars: Pillars) -> None:
        if not pillars.most:
            self._heading("deviation_chart", self._say("deviation_chart_none"))
            return
        scale = FULL / pillars.width
        tall = scale * self._flat
        self._heading("deviation_chart")
        left, top = self.l_margin, self.get_y()
        self.set_fill_color(*BAD)
        self._ink(6, SOFT)
        for bar in pillars.bars:
            self.rect(
                left + bar.x * scale,
                top + bar.y * tall,
                bar.width * scale,
                bar.height * tall,
                style="F",
            )
            if bar.value:
                self._centred(
                    left + bar.middle * scale,
                    top + bar.y * tall - _LABEL,
                    self.speaker.number(bar.value),
                )
            if bar.label:
                self._centred(
                    left + bar.middle * scale, top + (pillars.height - 10) * tall, bar.label
                )
        self._axis(
            left, top + pillars.axis * tall, Chart.left * scale, (pillars.width - 12) * scale
        )
        self.set_y(top + pillars.height * tall + 1)

    def _legend(self, chart: Chart) -> str:
        words = [str(self.speaker.code("part", part).unescape()) for part in chart.parts]
        rooted = [self._say("chart_rooted")] if chart.rooted else []
        return "  ".join([" / ".join(words), *rooted])
