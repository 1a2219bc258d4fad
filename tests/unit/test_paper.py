"""A statement on paper, of many jobs: nothing broken, nothing cut, and page 1 is whole."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from bridge.statement.font import Font
from bridge.statement.paper import write_paper
from reconcile import listing
from reconcile.figures import JobSection, Report
from reconcile.level import BatchLine, Effects, Gap, Position, Stream
from reconcile.listing import pages
from reconcile.report import render_statement
from reconcile.statement import JobPeriod, Statement, days_of
from reconcile.verdict import Verdict
from reconcile.wording import Language

FONT = Font(Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"), 2)
BEGIN = datetime(2026, 10, 31, 16, tzinfo=UTC)
TITLES = ("人口基础信息", "建设工程施工许可证变更记录（含历史数据）", "Register of legal persons")
BAD = 3  # every such job deviates


def digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()


def batch(number: int, day: int, prev: str) -> BatchLine:
    inserted, updated, deleted = 123_456_000 + number, 98_765_000 + day, 7_000_000 + number
    sent = Effects(inserted + updated + deleted, inserted, updated, deleted, digest(number, day))
    lost = 4 if number % BAD == 0 and day == 1 else 0
    at = BEGIN + timedelta(days=day, minutes=number)
    return BatchLine(
        epoch=1,
        seq=day + 1,
        kind="data",
        state="deviated" if lost else "reconciled",
        verdict=Verdict.DEVIATION if lost else Verdict.RECONCILED,
        window_low=at - timedelta(days=1),
        window_high=at,
        sealed_at=at,
        sent=sent,
        received=Effects(sent.total - lost, inserted - lost, updated, deleted, digest(lost)),
        batch_hash=digest("batch", number, day),
        read=sent.total,
        inserted=inserted,
        updated=updated,
        deleted=deleted,
        deviation=lost,
        prev_hash=prev,
    )


def job(number: int, days: int) -> JobPeriod:
    batches: list[BatchLine] = []
    for day in range(days):
        batches.append(batch(number, day, batches[-1].batch_hash if batches else "0" * 64))
    head = Position(1, days, batches[-1].batch_hash)
    sums = Effects.sum(one.sent for one in batches)
    deviation = sum(one.deviation for one in batches)
    section = JobSection(
        job=f"t_yw_sgj_register_of_the_city_{number}",
        title=TITLES[number % len(TITLES)],
        resource_code=f"307010010001/{number:06}",
        source="business: t",
        exchange="exchange",
        target="centre: t",
        guarantee="lossless",
        why="every run compares every row",
        verdict=Verdict.DEVIATION if deviation else Verdict.RECONCILED,
        deviation=deviation,
        stream=Stream(head, head, sums, sums),
        quarantined_open=0,
        batches=tuple(batches),
        timeliness=0.9667,
    )
    return JobPeriod(section, None, head, periods_kept=29, periods_due=30)


def statement(jobs: int, days: int = 2) -> Statement:
    periods = tuple(job(number, days) for number in range(jobs))
    report = Report(
        department_code="113301000024895242",
        department_name="市市场监督管理局",
        generated_at=BEGIN + timedelta(days=30),
        period_from=BEGIN,
        period_to=BEGIN + timedelta(days=30),
        jobs=tuple(period.section for period in periods),
    )
    days_made = days_of(report.batches, report)
    return Statement(report, "Asia/Shanghai", periods, days_made, (), None, (), ())


def written(made: Statement, language: Language, folder: Path) -> list[str]:
    file = folder / "statement.pdf"
    write_paper(made, language, FONT, file)
    return [page.extract_text().replace("\0", "") for page in PdfReader(file).pages]


@pytest.mark.parametrize(("language", "job_heading"), [("zh", "桥接服务"), ("en", "Job")])
def test_many_jobs_are_legible_on_every_page(
    tmp_path: Path, language: Language, job_heading: str
) -> None:
    made = statement(40)
    texts = written(made, language, tmp_path)
    whole = "\n".join(texts)
    for period in made.jobs:
        for one in period.section.batches:
            assert f"{one.sent.total:,}" in whole, "a number is broken"
            assert one.batch_hash[:32] in whole
    for number, text in enumerate(texts, 1):
        assert f"{number} / {len(texts)}" in text
        if "t_yw_sgj" in text:
            assert job_heading in text, f"page {number} has rows without headings"


def test_page_1_is_whole_and_names_the_gravest(tmp_path: Path) -> None:
    made = statement(40)
    texts = written(made, "zh", tmp_path)
    first = texts[0]
    assert "需要处理的桥接服务" in first
    assert "共 14 项，列出最严重的 6 项" in first
    assert "其余 26 项" in first
    for part in ("逐日发送与接收", "逐日偏差", "签名"):
        assert part in first
    assert "各桥接服务" in texts[1]
    few = written(statement(2), "zh", tmp_path)
    assert "各桥接服务" in few[0]
    assert "签名" in few[0]


UNBALANCED = replace(batch(1, 0, "0" * 64), gone=2)
CONCLUSIONS: list[tuple[Language, Verdict, dict[str, Any], tuple[Gap, ...]]] = [
    ("en", Verdict.WAIVED, {"deviation": 5, "waived_rows": 5}, ()),
    ("zh", Verdict.HELD, {}, ()),
    ("zh", Verdict.DEVIATION, {"deviation": 5, "batches": (UNBALANCED,)}, ()),
    ("en", Verdict.DEVIATION, {"deviation": 0}, ()),
    ("zh", Verdict.GAP, {"deviation": 5}, (Gap(1, 3, 5),)),
    ("en", Verdict.GAP, {}, ()),
]


@pytest.mark.parametrize(("language", "verdict", "counts", "gaps"), CONCLUSIONS)
def test_the_paper_concludes_as_the_page_does(
    tmp_path: Path,
    language: Language,
    verdict: Verdict,
    counts: dict[str, Any],
    gaps: tuple[Gap, ...],
) -> None:
    made = statement(1)
    first = made.jobs[0].section
    stream = replace(first.stream, gaps=gaps)
    found = replace(first, verdict=verdict, stream=stream, **counts)
    jobs = (replace(made.jobs[0], section=found),)
    one = replace(made, report=replace(made.report, jobs=(found,)), jobs=jobs)
    page = render_statement(one, (language,))
    head, below = re.findall(r"<h2>(.*?)</h2>\s*((?:<p>.*?</p>\s*)+)", page, re.DOTALL)[0]
    said = re.findall("<p>(.*?)</p>", below)[: 2 if verdict is Verdict.WAIVED else 1]
    lines = ["".join(line.split()) for line in written(one, language, tmp_path)[0].splitlines()]
    place = lines.index("".join(head.split()))
    sentences = lines[place + 1 : place + 1 + len(said)]
    assert sentences == ["".join(words.split()) for words in said], "one on each line"


def test_a_broken_audit_log_is_told_beside_the_queries(tmp_path: Path) -> None:
    made = replace(statement(1), audit_head=(3, digest("head")))
    broken = written(replace(made, audit_breaks=("2 is missing",)), "en", tmp_path)
    assert "The books have forked" in broken[0]
    assert "square roots" not in broken[0]
    assert "chain is broken: 2 is missing" in broken[-1]
    assert "is entry 3" not in broken[-1]


def test_a_job_that_sealed_nothing_has_no_verdict_and_needs_attention() -> None:
    made = statement(8)
    quiet = replace(made.jobs[1].section, batches=())
    jobs = (replace(made.jobs[1], section=quiet), *made.jobs[2:])
    grave = listing.attention(replace(made, jobs=jobs), 9)
    assert (grave.rows[-1][1], grave.rows[-1][-1]) == (quiet.job, None)
    unknown = replace(jobs[1], cycles_unknown=True)
    more = listing.attention(replace(made, jobs=(jobs[0], unknown, *jobs[2:])), 9)
    assert unknown.section.job in [row[1] for row in more.rows]
    due = replace(jobs[0], periods_due=0)
    assert len(listing.attention(replace(made, jobs=(due, *jobs[1:])), 9).rows) == 2


def test_of_very_many_batches_the_newest_and_the_bad_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_MOST_ON_PAPER", 12)
    made = statement(6, days=5)
    batches = next(one for one in pages(made) if one.code == "list_batches")
    assert (len(batches.rows), batches.whole) == (14, 30)  # two of each, and two that deviate
    numbers = [(row[0], row[2]) for row in batches.rows]
    assert numbers == sorted(numbers)
    assert batches.sums is not None
    assert max(s for s in batches.sums if s) == made.report.sent.total
    text = "\n".join(written(made, "zh", tmp_path))
    assert re.search(r"列出 30 个批次中的 14 个", text)
    assert f"{made.report.sent.total:,}" in text
