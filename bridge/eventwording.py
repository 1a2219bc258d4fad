"""What events are called, what they mean, and what to do about them, in Chinese and in English."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from bridge.deadline.deadline import CHINA
from bridge.event import EventKind, Severity
from bridge.language import Language
from bridge.language.speech import chinese
from bridge.ledger.event import EventEntry

__all__ = ["Language", "happened", "moment", "name_of", "remedy_of", "severity_word"]

Pair = tuple[str, str]


class _Words(NamedTuple):
    name: Pair
    happened: Pair
    remedy: Pair


def name_of(kind: EventKind, language: Language) -> str:
    return _in(_WORDS[kind].name, language)


def happened(entry: EventEntry, language: Language) -> str:
    """What was found, with the numbers and names of the event; a message of the engine follows."""
    said = _filled(_in(_WORDS[entry.kind].happened, language), entry, language)
    more = (_said(str(entry.facts.get(name, "")), language) for name in ("found", "waived"))
    return "\n".join(part for part in (said, *more) if part)


def remedy_of(entry: EventEntry, language: Language) -> str:
    """What to do: as whoever found it says, else what helps with such an event."""
    own = str(entry.facts.get("remedy", ""))
    said = _said(own, language)
    if own and (language == "en" or said != own):
        return said
    return _filled(_in(_WORDS[entry.kind].remedy, language), entry, language)


def severity_word(severity: Severity, language: Language) -> str:
    return _in(_SEVERITIES[severity], language)


def moment(at: datetime) -> str:
    """As the clocks of those who read it show it."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S} UTC+08:00"


def _in(pair: Pair, language: Language) -> str:
    return pair[0] if language == "zh" else pair[1]


def _filled(text: str, entry: EventEntry, language: Language) -> str:
    facts = {
        name: _said(fact, language) if isinstance(fact, str) else fact
        for name, fact in entry.facts.items()
    }
    known = {"job": entry.job or "JOB", "subject": entry.subject, **facts}
    return text.format_map(defaultdict(lambda: "?", known))


def _said(text: str, language: Language) -> str:
    """A message of the engine, which is kept in English."""
    return chinese().say_text(text) if language == "zh" else text


_SEVERITIES: Mapping[Severity, Pair] = {
    Severity.WARNING: ("提醒", "warning"),
    Severity.ERROR: ("错误", "error"),
    Severity.CRITICAL: ("严重", "critical"),
}

_WORDS: Mapping[EventKind, _Words] = {
    EventKind.DEVIATION: _Words(
        ("偏差", "deviation"),
        (
            "发送与目标库实测相差 {deviation} 行。",
            "What was sent and what the target holds differ by {deviation} rows.",
        ),
        (
            "运行 bridgehead reconcile {job} 找出这些行；查明原因后 "
            "bridgehead resync {job} --why 原因；无法改正的：bridgehead waive",
            "bridgehead reconcile {job} finds the rows; once the cause is known, "
            "bridgehead resync {job} --why TEXT; what cannot be put right: bridgehead waive",
        ),
    ),
    EventKind.GAP: _Words(
        ("断号", "gap"),
        ("批次编号不连续：有批次缺失，或一侧被恢复过。", "Batches are missing on one side."),
        (
            "查明哪一侧恢复过备份，再 bridgehead resync {job} --why 原因",
            "Find out which side was restored, then bridgehead resync {job} --why TEXT",
        ),
    ),
    EventKind.FORK: _Words(
        ("分叉", "fork"),
        ("同一编号有两个不同的批次。", "Two different batches have the same number."),
        (
            "停止其他写入方，查明谁改动了台账，再 bridgehead resync {job} --why 原因",
            "Find out who else writes or changed the ledger, then "
            "bridgehead resync {job} --why TEXT",
        ),
    ),
    EventKind.HELD: _Words(
        ("挂起", "held"),
        (
            "批次删除的行数超过上限，已挂起，等待人工决定。",
            "A batch deletes more rows than allowed and waits for a person.",
        ),
        (
            "核实源库是否误删，再 bridgehead approve 或 reject {job} SEQ --why 原因",
            "See whether the source lost rows by mistake, then bridgehead approve or reject "
            "{job} SEQ --why TEXT",
        ),
    ),
    EventKind.HORIZON: _Words(
        ("上界受阻", "horizon held back"),
        (
            "安全上界停住过久，抽取无法前进。被占用：{holders}",
            "The horizon has not advanced for too long. It is held back by {holders}",
        ),
        (
            "占用的是会话的，请源库管理员结束该会话；否则按所写的处理",
            "Where that is a session, have the DBA of the source end it; "
            "else what is said there helps",
        ),
    ),
    EventKind.OVERDUE: _Words(
        ("逾期", "overdue"),
        (
            "更新周期 {cycle}，应于 {due} 前完成更新，至今没有核对通过的批次。最近一次：{last}",
            "Update cycle {cycle}: a batch was due by {due}, and none has been reconciled. "
            "The last one: {last}",
        ),
        (
            "运行 bridgehead status 查看原因，排除后 bridgehead run {job}；并检查调度是否在运行",
            "See bridgehead status for the reason, then bridgehead run {job}; "
            "see whether the scheduler runs",
        ),
    ),
    EventKind.QUARANTINE: _Words(
        ("隔离超限", "quarantine over limit"),
        (
            "隔离的行有 {open} 条，超过上限 {limit}。",
            "{open} rows are set aside, more than the limit {limit}.",
        ),
        (
            "运行 bridgehead quarantine {job} 查看原因，更正源数据后加 --retry",
            "bridgehead quarantine {job} shows the reasons; correct the source, then --retry",
        ),
    ),
    EventKind.STRUCTURE: _Words(
        ("结构变化", "structure changed"),
        (
            "源表、目标表或桥接服务的结构有变化；与已发送的批次不再一致时，桥接服务停止。",
            "The structure of source, target or job has changed; where it is not the one that the "
            "job began with, the job stops.",
        ),
        (
            "运行 bridgehead check {job} 核对字段；确认后 bridgehead resync {job} --why 原因",
            "bridgehead check {job} shows the columns; if they are right, "
            "bridgehead resync {job} --why TEXT",
        ),
    ),
    EventKind.STORE: _Words(
        ("库不可用", "store down"),
        ("{subject} 无法使用。", "{subject} cannot be used."),
        (
            "请该库管理员检查服务、网络和磁盘；恢复后下一次运行自动补齐",
            "Have its DBA look at server, network and disk; the next run catches up by itself",
        ),
    ),
    EventKind.FAILED: _Words(
        ("运行失败", "run failed"),
        ("运行失败（{code}）。", "A run failed ({code})."),
        (
            "按提示处理，再 bridgehead run {job}",
            "Put it right, then bridgehead run {job}",
        ),
    ),
    EventKind.ALARM: _Words(
        ("告警发送失败", "alarm not sent"),
        (
            "发给「{subject}」的告警未能送达：{failure}",
            "An alarm to “{subject}” could not be sent: {failure}",
        ),
        (
            "检查该规则的接收地址和网络，再 bridgehead events test",
            "Look at the rule's address and the network, then bridgehead events test",
        ),
    ),
    EventKind.CALENDAR: _Words(
        ("日历缺失", "calendar missing"),
        (
            "{subject} 年的节假日安排未知，暂按周一至周五计算期限。",
            "The holidays of {subject} are not known; Monday to Friday count as working days.",
        ),
        (
            "将国务院办公厅的放假安排写入日历文件，或升级软件包 chinesecalendar",
            "Enter the State Council's arrangement in the calendar file, or upgrade the package "
            "chinesecalendar",
        ),
    ),
}
