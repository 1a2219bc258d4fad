"""The report says what the figures say, in both languages, and needs nothing but itself."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import reconcile
from reconcile.cause import Cause
from reconcile.chart import Chart, Entry, mirror
from reconcile.phrases import CODES, PHRASES
from reconcile.remedy import REMEDIES
from reconcile.report import (
    BatchLine,
    Content,
    Effects,
    Gap,
    JobSection,
    Position,
    Report,
    Stream,
    render_html,
)
from reconcile.verdict import Verdict
from reconcile.wording import Speaker, Words

START = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
VOID = {"meta", "input", "br", "rect", "line", "circle"}


def digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()


def line(seq: int, counts: tuple[int, int, int] = (70, 40, 5), **changes: Any) -> BatchLine:
    """A reconciled batch of changes, whose books balance."""
    inserted, updated, deleted = counts
    sent = Effects(sum(counts), *counts, digest(seq, counts)[:32])
    end = START + timedelta(minutes=10 * seq)
    made = BatchLine(
        epoch=1,
        seq=seq,
        kind="data",
        state="reconciled",
        verdict=Verdict.RECONCILED,
        window_low=end - timedelta(minutes=10),
        window_high=end,
        sealed_at=end + timedelta(seconds=2),
        sent=sent,
        received=sent,
        batch_hash=digest("batch", seq),
        read=inserted + updated + 3,
        gone=deleted,
        inserted=inserted,
        updated=updated,
        deleted=deleted,
        unchanged=3,
    )
    return replace(made, **changes)


def section(*batches: BatchLine, **changes: Any) -> JobSection:
    made = JobSection(
        job="population",
        title="人口基础信息",
        resource_code="307010010001/000001",
        source="business",
        exchange="exchange",
        target="buffer",
        guarantee="lossless",
        why=Words("数据库盖章", "stamped by the database"),
        verdict=Verdict.RECONCILED,
        deviation=0,
        stream=Stream(
            Position(1, 9, "a" * 64), Position(1, 9, "a" * 64), Effects(9, 9), Effects(9, 9)
        ),
        quarantined_open=0,
        batches=batches,
    )
    return replace(made, **changes)


def report(*jobs: JobSection) -> Report:
    end = START + timedelta(days=1)
    return Report("113301000024895242", "市市场监督管理局", end, START, end, jobs)


class Page(HTMLParser):
    """What a reader sees in one language, with the classes of each piece of text."""

    def __init__(self, html: str, language: str) -> None:
        super().__init__()
        self._wanted = language
        self._open: list[tuple[str, str, bool]] = []
        self.pieces: list[tuple[str, str]] = []
        self.feed(html)
        assert self._open == [], "unclosed elements"

    @property
    def text(self) -> str:
        return " ".join(piece for piece, _ in self.pieces)

    def marked(self, name: str) -> list[str]:
        return [piece for piece, classes in self.pieces if name in classes.split()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        given = dict(attrs)
        foreign = tag not in ("html", "body") and given.get("lang") not in (None, self._wanted)
        hidden = foreign or tag == "style" or any(entry[2] for entry in self._open)
        self._open.append((tag, given.get("class") or "", hidden))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open and not self._open[-1][2]:
            classes = " ".join(entry[1] for entry in self._open)
            self.pieces.append((" ".join(data.split()), classes))


def read(made: Report, language: str = "zh-CN") -> Page:
    return Page(render_html(made), language)


def test_the_page_needs_nothing_but_itself() -> None:
    html = render_html(report(section(line(1), line(2))))
    for foreign in ("http:", "https:", "//", "src=", "<script", "<link", "url(", "@import", "<img"):
        assert foreign not in html
    assert html.lstrip().startswith("<!doctype html>")


def test_a_balanced_book() -> None:
    made = report(section(line(1), line(2, (5, 0, 0))))
    page = read(made)
    assert "账目平衡" in page.text
    assert "2 个批次，发送 120 行，接收端实测 120 行" in page.text
    assert "均已改正" not in page.text
    assert page.marked("bad") == []
    english = read(made, "en").text
    assert "The books balance" in english
    assert "1 sync job sealed 2 batches: 120 rows sent, 120 rows measured" in english


@pytest.mark.parametrize(
    ("verdict", "headline_zh", "headline_en"),
    [
        (Verdict.RECONCILED, "账目平衡", "The books balance"),
        (Verdict.IN_FLIGHT, "账目相符，尚有在途", "The books agree; rows are still in flight"),
        (Verdict.UNCONFIRMED, "一致待确认", "Consistent, not yet confirmed"),
        (Verdict.HELD, "批次挂起，等待审批", "Batches held, awaiting approval"),
        (Verdict.DEVIATION, "存在偏差 4", "A deviation of 4"),
        (Verdict.GAP, "批次断号 2", "2 batches are missing"),
        (Verdict.FORK, "账目分叉", "The books have forked"),
    ],
)
def test_the_worst_verdict_is_the_headline(
    verdict: Verdict, headline_zh: str, headline_en: str
) -> None:
    stream = replace(section().stream, gaps=(Gap(1, 5, 6),))
    job = section(line(1, verdict=verdict), verdict=verdict, deviation=4, stream=stream)
    made = report(section(line(2)), job)
    assert headline_zh in read(made).marked("conclusion")
    assert headline_en in read(made, "en").marked("conclusion")
    assert verdict.zh in read(made).marked("badge")
    assert verdict.en in read(made, "en").marked("badge")


def test_a_deviation_is_red_with_cause_and_next_step() -> None:
    received = Effects(114, 70, 39, 5, digest("other")[:32])
    wrong = line(
        2, received=received, deviation=1, verdict=Verdict.DEVIATION, cause="truncated_value"
    )
    job = section(line(1), wrong, verdict=Verdict.DEVIATION, deviation=1)
    page = read(report(job))
    red = page.marked("bad")
    assert "114" in red
    assert "39" in red
    assert "≠" in red
    assert "70" not in red
    (cause_zh, cause_en), (step_zh, step_en) = REMEDIES["truncated_value"]
    assert cause_zh in page.text
    assert step_zh in page.text
    english = read(report(job), "en").text
    assert cause_en in english
    assert step_en in english


def test_a_deviation_that_was_put_right_is_not_passed_over() -> None:
    mended = line(2, received=Effects(114, 70, 39, 5, digest("other")[:32]), deviation=1)
    page = read(report(section(line(1), mended)))
    assert "账目平衡" in page.text
    assert "本期发现的偏差 1 均已改正" in page.text
    assert "与摘要，全部一致" not in page.text


def test_only_the_digest_differs() -> None:
    received = replace(line(1).sent, digest="f" * 32)
    job = section(line(1, received=received, deviation=1, verdict=Verdict.DEVIATION), deviation=1)
    assert "≠" in read(report(job)).marked("bad")


def test_an_image_is_compared_by_its_total() -> None:
    """Its effects depend on what the key range held before: they differ, and nothing is wrong."""
    sent = Effects(115, 70, 40, 5, "e" * 32)
    received = Effects(115, 0, 115, 0, "e" * 32)
    job = section(line(1, kind="first", sent=sent, received=received, window_low=None))
    page = read(report(job))
    assert page.marked("bad") == []
    assert "首次装载" in page.text
    assert "最初 →" in page.text
    wrong = line(1, kind="first", sent=sent, received=replace(received, total=114), deviation=1)
    assert "114" in read(report(section(wrong))).marked("bad")


def test_the_parts_of_a_total_add_up_to_it() -> None:
    assert Effects(10, 3, 2, 5).parts == {"inserted": 3, "updated": 2, "deleted": 5}
    assert Effects(10, 3, 2, 1).parts == {"inserted": 3, "updated": 2, "unchanged": 5}


def test_in_flight_is_neither_reconciled_nor_a_deviation() -> None:
    stream = replace(
        section().stream, in_flight_batches=1, in_flight_rows=115, in_flight_seconds=7260.0
    )
    waiting = line(2, received=None, verdict=Verdict.IN_FLIGHT, state="sealed")
    job = section(line(1), waiting, verdict=Verdict.IN_FLIGHT, stream=stream)
    page = read(report(job))
    assert "1 个批次，115 行，最早的已等待 2 小时 1 分" in page.text
    assert "1 batch, 115 rows, the oldest for 2 h 1 min" in read(report(job), "en").text
    assert page.marked("bad") == []
    balance = page.marked("balance")
    assert balance == ["发送", "230", "实测接收", "115", "尚无回执", "115", "偏差", "0"]


def test_a_gap_and_quarantined_rows_need_action() -> None:
    stream = replace(section().stream, gaps=(Gap(2, 5, 6), Gap(2, 9, 9)))
    job = section(line(1), stream=stream, verdict=Verdict.GAP, quarantined_open=3)
    text = read(report(job)).text
    assert "轮次 2，序号 5 至 6" in text
    assert "轮次 2，序号 9" in text
    assert "隔离 3 行" in text
    assert "重新发送所缺批次" in text


def test_a_residual_is_shown_to_the_auditor_and_needs_action() -> None:
    job = section(line(1, unchanged=1))
    page = read(report(job))
    assert "2" in page.marked("bad")
    assert "账目残差 2" in page.text


def test_the_auditor_finds_every_full_hash_and_digest() -> None:
    batches = [line(1), line(2, received=None, verdict=Verdict.IN_FLIGHT)]
    page = read(report(section(*batches)))
    hashes = "".join(page.marked("hash"))
    for batch in batches:
        assert batch.batch_hash in hashes
        assert batch.sent.digest in hashes


def test_the_cut_is_compared_on_both_sides() -> None:
    stream = Stream(
        Position(1, 9, "a" * 64), Position(1, 9, "b" * 64), Effects(9, 9), Effects(8, 8)
    )
    page = read(report(section(line(1), stream=stream)))
    assert page.marked("bad").count("≠") == 3
    unanswered = replace(stream, received_position=None, received=None)
    assert "≠" not in read(report(section(line(1), stream=unanswered))).text


def test_contents_and_timeliness_are_shown_where_known() -> None:
    content = Content(START, 40_335, 40_334, 40_333, 1, 0, 2, Verdict.DEVIATION)
    page = read(report(section(line(1), content=content, timeliness=0.99999)))
    assert {"40,335", "40,334", "40,333"} <= set(page.text.split())
    assert {"1", "2"} <= set(page.marked("bad"))
    assert "99.99 %" in page.text
    assert "更新及时率" not in read(report(section(line(1)))).text


def test_a_period_without_batches_claims_nothing() -> None:
    for made in (report(), report(section())):
        assert "本期没有批次" in read(made).marked("conclusion")
        assert "账目平衡" not in read(made).text


def test_times_are_those_of_the_zone() -> None:
    made = report(section(line(1)))
    assert "01-05 08:10:00" in read(made).text
    assert "UTC+08:00" in read(made).text
    elsewhere = replace(made, zone=timezone(timedelta(hours=-3, minutes=-30)))
    assert "01-04 20:40:00" in read(elsewhere).text
    assert "UTC-03:30" in read(elsewhere).text


def test_names_from_outside_cannot_become_markup() -> None:
    evil = "<b onclick=x>&\"'"
    job = section(
        line(1, verdict=Verdict.DEVIATION, cause=evil, next_step=Words(evil, evil)),
        title=evil, job=evil, source=evil, why=evil, guarantee=evil,
    )  # fmt: skip
    html = render_html(replace(report(job), department_name=evil))
    assert "<b " not in html
    assert evil in read(report(job)).text


def test_each_language_stands_alone_or_behind_a_switch() -> None:
    made = report(section(line(1)))
    both = render_html(made)
    assert both.count('type="radio"') == 2
    assert re.search(r'id="language-zh" checked', both)
    assert '#language-zh:checked ~ .page [lang="en"] { display: none; }' in both
    assert re.search(r'id="language-en" checked', render_html(made, ("en", "zh")))
    english = render_html(made, ("en",))
    assert 'type="radio"' not in english
    assert '<html lang="en">' in english
    assert "The books balance" in english
    assert "账目平衡" not in english


@pytest.mark.parametrize("languages", [(), ("fr",), ("zh", "zh")])
def test_a_language_it_does_not_speak_is_refused(languages: Any) -> None:
    with pytest.raises(ValueError, match="languages"):
        render_html(report(), languages)


def test_the_same_report_gives_the_same_bytes() -> None:
    made = report(section(line(1)), section(line(2)))
    assert render_html(made) == render_html(made)


def test_every_phrase_is_used_and_every_cause_has_its_words() -> None:
    folder = Path(reconcile.__file__).parent / "templates"
    templates = "".join(path.read_text("utf-8") for path in folder.iterdir())
    built = re.compile(r"identity_\w+|limit_\w+|recompute_\d")
    unused = [key for key in PHRASES if f'"{key}"' not in templates and not built.fullmatch(key)]
    assert unused == []
    assert {cause.value for cause in Cause} <= set(REMEDIES)
    assert set(CODES["headline"]) == set(Verdict)


def test_chinese_phrases_are_chinese_and_english_ones_english() -> None:
    pairs = [*PHRASES.values(), *(pair for group in CODES.values() for pair in group.values())]
    pairs += [pair for remedy in REMEDIES.values() for pair in remedy]
    for chinese, english in pairs:
        assert re.search("[一-鿿]", chinese)
        assert not re.search("[一-鿿]", english.replace("桥头堡", ""))
        assert not re.search(r"[一-鿿][,;:()!?]", chinese), "half-width punctuation"


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (0.4, "不到 1 秒", "under 1 s"),
        (59, "59 秒", "59 s"),
        (3600, "1 小时", "1 h"),
        (90_061, "1 天 1 小时", "1 d 1 h"),
    ],
)
def test_durations_in_two_units(seconds: float, zh: str, en: str) -> None:
    assert Speaker(("zh", "en"), UTC).duration(seconds) == (zh, en)


def entry(total: int, received: int | None = None) -> Entry:
    back = total if received is None else received
    return Entry("1-1", {"inserted": total}, {"inserted": back})


def test_a_balanced_chart_is_symmetric() -> None:
    sides = {"inserted": 600, "updated": 1199, "deleted": 300}
    for others in ([], [entry(40_000)]):
        bar = mirror([Entry("1-1", sides, sides), *others]).bars[0]
        assert Chart.axis - bar.top == pytest.approx(bar.bottom - Chart.axis)
        above, below = bar.blocks[:3], bar.blocks[3:]
        assert [block.height for block in above] == pytest.approx([b.height for b in below])
    lame = mirror([entry(100, received=50)]).bars[0]
    assert lame.bottom - Chart.axis == pytest.approx((Chart.axis - lame.top) / 2)


def test_a_chart_has_at_most_48_bars_and_loses_no_rows() -> None:
    chart = mirror([entry(n) for n in range(1000)])
    assert len(chart.bars) <= 48
    assert chart.per_bar == 21
    assert sum(bar.sent for bar in chart.bars) == sum(range(1000))
    assert chart.bars[-1].x + chart.bars[-1].width <= chart.right


def test_a_bar_of_many_batches_shows_that_one_of_them_is_not_well() -> None:
    entries = [entry(1)] * 96
    entries[4] = replace(entries[4], alarm=True)
    entries[9] = replace(entries[9], received={}, waiting=True)
    bars = mirror(entries).bars
    assert [place for place, bar in enumerate(bars) if bar.alarm] == [2]
    assert [place for place, bar in enumerate(bars) if bar.waiting] == [4]


def test_bars_stay_inside_the_picture() -> None:
    for totals in ([0], [1], [3, 1_000_000], [5] * 30):
        chart = mirror([entry(total) for total in totals])
        for bar in chart.bars:
            assert 0 < bar.top <= Chart.axis <= bar.bottom < chart.height
        assert all(0 < tick.above < Chart.axis < tick.below for tick in chart.ticks)
    assert mirror([]).bars == ()
