"""What needs somebody and is no batch of the period: what it is, why, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.phrases import PHRASES
from reconcile.remedy import REMEDIES
from reconcile.verdict import Verdict
from reconcile.wording import Words

__all__ = [
    "Matter",
    "altered",
    "audit_broken",
    "batches_missing",
    "contents_differ",
    "cycles_unknown",
    "entries_missing",
    "found_by_run",
    "older_batch",
    "sealed_elsewhen",
    "waived",
    "waived_besides",
]

_FOUND = {
    Verdict.DEVIATION: Words(
        "两侧合计不符、目标库回执被改动或内容不同",
        "the sums of both sides differ, receipts at the target were altered, or contents differ",
    ),
    Verdict.GAP: Words("接收端缺少批次", "the receiver lacks batches"),
    Verdict.FORK: Words("同一序号出现两份内容", "one number was used for two contents"),
    Verdict.HELD: Words("删除行数超过上限", "more deletes than allowed"),
}
_DECIDE = Words(
    "核实后批准或退回：bridgehead approve，bridgehead reject",
    "Verify, then approve or reject: bridgehead approve, bridgehead reject",
)
_LOOK = Words(
    "再次运行该服务并查看其说明：bridgehead run，bridgehead reconcile",
    "Run the job again and read what it says: bridgehead run, bridgehead reconcile",
)


@dataclass(frozen=True)
class Matter:
    """`verdict` is None where it decides nothing; `deviation` where there is no number of it."""

    what: Words
    verdict: Verdict | None
    cause: Words
    next_step: Words
    deviation: int | None = None


def older_batch(epoch: int, seq: int, deviation: int | None, cause: str | None) -> Matter:
    """Sealed before the period, and open: it deviates, or is held where it has no deviation."""
    held = deviation is None
    words = REMEDIES.get(cause, REMEDIES["unknown"])
    return Matter(
        Words(
            f"本期之前封存：轮次 {epoch}，序号 {seq}",
            f"sealed before the period: epoch {epoch}, number {seq}",
        ),
        Verdict.HELD if held else Verdict.DEVIATION,
        _FOUND[Verdict.HELD] if held else Words(*words[0]),
        _DECIDE if held else Words(*words[1]),
        deviation,
    )


def waived(
    epoch: int, seq: int, rows: int, who: str, when: str, why: str, *, never_left: bool
) -> Matter:
    """A batch for which somebody answers, as the audit log says."""
    left = Words("未发送；", "never sent; ") if never_left else Words("", "")
    what = Words(f"已豁免：轮次 {epoch}，序号 {seq}", f"waived: epoch {epoch}, number {seq}")
    return _waived(what, left, rows, who, when, why)


def waived_besides(found: Words, rows: int, who: str, when: str, why: str) -> Matter:
    """The same of what stands in no batch."""
    what = Words("已豁免：批次之外", "waived: beside the batches")
    return _waived(what, Words(f"{found.zh}；", f"{found.en}; "), rows, who, when, why)


def _waived(what: Words, before: Words, rows: int, who: str, when: str, why: str) -> Matter:
    return Matter(
        what,
        Verdict.WAIVED,
        Words(
            f"{before.zh}{rows:,} 行由 {who} 于 {when} 豁免：{why}",
            f"{before.en}{rows:,} rows waived by {who} on {when}: {why}",
        ),
        Words(
            "目标库与所发不同，账目并不因此平衡；能重新同步的，重新同步后即改正",
            "The target is not as it was sent: the books do not balance by this. A resync, where"
            " there can be one, puts it right",
        ),
        rows,
    )


def altered(epoch: int, seq: int) -> Matter:
    """A batch of the ledger that is not what was sealed."""
    return Matter(
        Words(f"台账：轮次 {epoch}，序号 {seq}", f"ledger: epoch {epoch}, number {seq}"),
        Verdict.FORK,
        Words(
            "该批次封存后被改动，或与前后批次、审计日志不相接",
            "the batch was changed after it was sealed, or does not fit those around it or the"
            " audit log",
        ),
        Words(
            "查明谁改动了台账，与前置交换库的备份核对",
            "Find out who changed the ledger: compare it with a backup of the exchange database",
        ),
    )


def batches_missing(epoch: int, first: int, last: int) -> Matter:
    """Numbers of an epoch whose batches the ledger has not, or the receiver."""
    where = PHRASES["gap_one" if first == last else "gap_range"]
    zh, en = (words.format(epoch=epoch, first=first, last=last) for words in where)
    return Matter(
        Words(f"断号：{zh}", f"missing: {en}"),
        Verdict.GAP,
        Words(*PHRASES["gap_cause"]),
        Words(*PHRASES["gap_step"]),
    )


def audit_broken(what: str) -> Matter:
    return Matter(
        Words("审计日志", "Audit log"),
        Verdict.FORK,
        Words(f"链已断：{what}", f"its chain is broken: {what}"),
        Words(
            "查明谁改动了审计日志，与前置交换库的备份及以往的对账单核对",
            "Find out who changed the audit log: compare it with a backup of the exchange database,"
            " and with earlier statements",
        ),
    )


def contents_differ(missing: int, extra: int, different: int) -> Matter:
    return Matter(
        Words("内容核对（逐键）", "Contents compared key by key"),
        Verdict.DEVIATION,
        Words(
            f"目标库缺少 {missing:,}、多余 {extra:,}、不同 {different:,}",
            f"at the target {missing:,} missing, {extra:,} extra, {different:,} different",
        ),
        Words(
            "定位到行，再重新同步：bridgehead reconcile，bridgehead resync",
            "Find the rows, then send again: bridgehead reconcile, bridgehead resync",
        ),
        missing + extra + different,
    )


def found_by_run(verdict: Verdict, found: Words | None, step: Words | None) -> Matter:
    """What a run has found beside what stands in the batches: as it says, else as it is usual."""
    return Matter(
        Words("运行时发现", "Found by a run"),
        verdict,
        found or _FOUND[verdict],
        step or _LOOK,
        1 if verdict is Verdict.DEVIATION else None,
    )


def cycles_unknown() -> Matter:
    """Of a job whose file cannot be used nobody knows what it owes."""
    return Matter(
        Words("更新及时率", "Timeliness"),
        None,
        Words(
            "该服务的配置文件有误，无法得知应更新的周期",
            "the job's file cannot be used: which update cycles were due is not known",
        ),
        Words(
            "更正配置文件（bridgehead check），再重新生成",
            "Correct the file (bridgehead check), then make this again",
        ),
    )


def entries_missing(rows: int) -> Matter:
    """Of rows that batches have set aside the quarantine tells no more: somebody has deleted it."""
    return Matter(
        Words("隔离区", "Quarantine"),
        None,
        Words(
            f"各批次隔离的行中，有 {rows:,} 行在 bh_quarantine 中没有记录：记录已被删除",
            f"of {rows:,} of the rows that batches have set aside nothing stands in bh_quarantine:"
            " entries were deleted",
        ),
        Words(
            "查明谁删除了它们，与前置交换库的备份核对；仍有问题的行在下次全量读取时会再次隔离",
            "Find out who deleted them: compare it with a backup of the exchange database; rows"
            " that still do not fit are set aside again when everything is read",
        ),
    )


def sealed_elsewhen(count: int, epoch: int, seq: int) -> Matter:
    """Batches whose numbers lie among those of the period, and were sealed at another time."""
    return Matter(
        Words(
            f"封存时刻：{count:,} 个批次，首个为轮次 {epoch}，序号 {seq}",
            f"time of sealing: {count:,} of the batches, the first is epoch {epoch}, number {seq}",
        ),
        None,
        Words(
            "序号在本期批次之间，封存时刻却不在本期：代理机器的时钟不准，或有人改动了该时刻",
            "the number lies among those of the period, the time does not: the agent's clock was"
            " wrong, or somebody has changed the time",
        ),
        Words(
            "与目标库 bh_receipt 中的 applied_at 核对；该批次计在其封存时刻所在的期间",
            "Compare it with applied_at in bh_receipt at the target; the batch counts in the period"
            " of its time",
        ),
    )
