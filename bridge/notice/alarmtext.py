"""What the messages of alarms say: names and numbers, no row's values."""

from __future__ import annotations

from bridge.eventwording import Language, happened, moment, name_of, remedy_of, severity_word
from bridge.ledger.alarm import Occasion
from bridge.ledger.event import EventEntry
from bridge.settings import Deployment

__all__ = ["compose", "compose_trial"]

_MOST_BYTES = 2000
"""Of title and body: WeCom takes 2,048 of a text, and refuses more."""


def compose(
    deployment: Deployment, entry: EventEntry, occasion: Occasion, language: Language
) -> tuple[str, str]:
    """Title and body."""
    kind = name_of(entry.kind, language)
    about = _about(deployment, entry)
    if language == "zh":
        mark = {
            Occasion.RECOVERED: "已豁免" if _is_waived(entry) else "恢复",
            Occasion.REPEATED: f"{severity_word(entry.severity, 'zh')}·仍在持续",
        }.get(occasion, severity_word(entry.severity, "zh"))
        title = f"【桥头堡】{mark} {kind} {about}".strip()
        return title, _fitted(title, _lines_zh(deployment, entry, occasion))
    mark = {
        Occasion.RECOVERED: "waived" if _is_waived(entry) else "recovered",
        Occasion.REPEATED: f"{severity_word(entry.severity, 'en')}, still so",
    }.get(occasion, severity_word(entry.severity, "en"))
    title = f"[Bridgehead] {mark}: {kind} {about}".strip()
    return title, _fitted(title, _lines_en(deployment, entry, occasion))


def _fitted(title: str, lines: list[str]) -> str:
    """What happened is cut where all of it is too long, and not what is to be done about it."""
    happened, rest = lines[0].encode(), "\n".join(filter(None, lines[1:]))
    room = max(0, _MOST_BYTES - len(f"{title}\n\n…{rest}".encode()))
    told = lines[0] if len(happened) <= room else happened[:room].decode(errors="ignore") + "…"
    return f"{told}\n{rest}"


def _is_waived(entry: EventEntry) -> bool:
    return "waived" in entry.facts


def _about(deployment: Deployment, entry: EventEntry) -> str:
    if entry.job is None:
        return entry.subject
    job = deployment.jobs.get(entry.job)
    return f"{job.title} ({entry.job})" if job and job.title else entry.job


def _lines_zh(deployment: Deployment, entry: EventEntry, occasion: Occasion) -> list[str]:
    number = entry.number
    lines = [
        happened(entry, "zh"),
        f"部门：{deployment.department.name} {deployment.department.code}",
        f"桥接服务：{entry.job}" if entry.job else "",
        f"起始：{moment(entry.first_seen_at)}，共出现 {entry.seen} 次",
        f"处理：{remedy_of(entry, 'zh')}",
        f"事件号：{number}（确认：bridgehead events ack {number} --by 姓名 --why 说明）",
    ]
    if occasion is Occasion.RECOVERED and entry.closed_at:
        how = "豁免，并未改正" if _is_waived(entry) else "恢复"
        lines[4:] = [f"{how}：{moment(entry.closed_at)}，无需处理", f"事件号：{number}"]
    return lines


def _lines_en(deployment: Deployment, entry: EventEntry, occasion: Occasion) -> list[str]:
    number = entry.number
    lines = [
        happened(entry, "en"),
        f"department: {deployment.department.name} {deployment.department.code}",
        f"job: {entry.job}" if entry.job else "",
        f"since: {moment(entry.first_seen_at)}, seen {entry.seen} times",
        f"what to do: {remedy_of(entry, 'en')}",
        f"event: {number} (bridgehead events ack {number} --by NAME --why TEXT)",
    ]
    if occasion is Occasion.RECOVERED and entry.closed_at:
        how = "waived, not put right" if _is_waived(entry) else "recovered"
        lines[4:] = [f"{how}: {moment(entry.closed_at)}, nothing to do", f"event: {number}"]
    return lines


def compose_trial(deployment: Deployment, language: Language) -> tuple[str, str]:
    department = f"{deployment.department.name} {deployment.department.code}"
    if language == "zh":
        return "【桥头堡】测试消息", f"这是一条测试消息，无需处理。\n部门：{department}"
    return "[Bridgehead] trial", f"A trial message: nothing to do.\ndepartment: {department}"
