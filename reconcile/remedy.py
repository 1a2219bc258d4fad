"""What each cause of a deviation is called, and what to do about it: (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["REMEDIES"]

Pair = tuple[str, str]

# By code, those of `cause.Cause` and those that only a person can name.
REMEDIES: Mapping[object, tuple[Pair, Pair]] = {
    "unknown": (
        ("原因未明", "cause not determined"),
        (
            "运行内容核对定位到行，再重新同步：bridgehead reconcile，bridgehead resync",
            "Compare contents to find the rows, then send again: bridgehead reconcile and resync",
        ),
    ),
    "lost_at_target": (
        ("目标库少行，写入后未能留存", "rows were applied and are not there"),
        (
            "检查目标表的触发器、规则和清理任务，再重新同步",
            "Check the target table's triggers, rules and clean-up jobs, then resync",
        ),
    ),
    "altered_at_target": (
        ("目标库取值与发送不同", "rows are there with other values than were sent"),
        (
            "检查目标列的类型、精度和触发器，再重新同步",
            "Check the target's column types, scales and triggers, then resync",
        ),
    ),
    "missing_before": (
        (
            "待更新的行原已缺失，更新变为新增",
            "updated rows were missing before, and were inserted",
        ),
        (
            "查明何时丢失：运行内容核对，再重新同步",
            "Find out when they were lost: compare contents, then resync",
        ),
    ),
    "present_before": (
        (
            "待新增的行原已存在，新增变为更新",
            "inserted rows were there before, and were updated",
        ),
        (
            "查明其他写入来源，再运行内容核对",
            "Find out who else writes to the target, then compare contents",
        ),
    ),
    "deleted_before": (
        ("待删除的行原已不存在", "deleted rows were gone before"),
        (
            "查明谁在目标库删除，再运行内容核对",
            "Find out who deletes at the target, then compare contents",
        ),
    ),
    "late_commit": (
        ("迟到提交：记录在读取之后才提交", "late commit: rows committed after the window was read"),
        (
            "下一次清扫会补读；如反复出现，请延长重叠时间",
            "The next sweep reads them; if it recurs, lengthen the overlap",
        ),
    ),
    "delete_not_captured": (
        ("删除未被捕获", "a delete was not captured"),
        (
            "启用清扫或改用触发器，再重新同步",
            "Switch the sweep on or capture by trigger, then resync",
        ),
    ),
    "truncated_value": (
        (
            "目标列过短或精度不足，取值被截断",
            "a value was cut to the target column",
        ),
        (
            "加宽目标列或提高精度，再重新同步",
            "Widen the target column or its scale, then resync",
        ),
    ),
    "charset": (
        ("字符集不支持部分汉字", "the target's character set lacks some characters"),
        (
            "目标库改用 UTF-8 或 GB 18030，再重新同步",
            "Change the target to UTF-8 or GB 18030, then resync",
        ),
    ),
    "quarantined": (
        ("目标库拒收，记录已隔离", "the target refused rows, which are in quarantine"),
        (
            "查看隔离原因，更正源数据后重试",
            "Read the reasons, correct the source, then retry",
        ),
    ),
    "edited_at_target": (
        ("目标库数据被直接改动", "rows were edited at the target"),
        (
            "查明改动人和原因，再重新同步恢复一致",
            "Find out who edited them and why, then resync",
        ),
    ),
    "packet_lost": (
        ("数据包丢失", "a packet was lost"),
        ("重新发送该批次数据包", "Send the batch's packet again"),
    ),
    "restored_backup": (
        ("一侧数据库恢复过备份", "one side was restored from a backup"),
        (
            "开启新轮次重新同步，并写明原因",
            "Begin a new epoch with a resync, and say why",
        ),
    ),
}
