"""What only a statement of a period says: (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["STATEMENT_PHRASES"]

STATEMENT_PHRASES: Mapping[str, tuple[str, str]] = {
    "zone_note": (
        "起始时刻计入，截止时刻不计；时区 {zone}。批次按封存时刻归入期间，状态为生成时的状态。",
        "From the first moment up to, and without, the last; time zone {zone}. A batch belongs to"
        " the period in which it was sealed; its state is that of when this was made.",
    ),
    "day_chart": ("逐日发送与接收", "Sent and received, day by day"),
    "deviation_chart": ("逐日偏差", "Deviation, day by day"),
    "deviation_chart_none": ("期间内每日偏差均为 0。", "The deviation is 0 on every day."),
    "audit_broken": ("审计日志的链已断：{what}", "The audit log's chain is broken: {what}"),
    "audit_whole": (
        "审计日志链完整，链头为第 {n} 条，摘要 {hash}",
        "The audit log's chain is whole; its head is entry {n}, hash {hash}",
    ),
    "audit_none": ("期间内没有审计记录。", "No entries in this period."),
    "recount_lead": (
        "以下语句只读取计数与摘要，可直接在相应的库中执行；"
        "表名不带模式，会话须先指向 bh_ 开头的表所在的模式。",
        "These queries read counts and hashes only, and run as they are in the store that is named;"
        " they name no schema, so let the session find the one in which the tables bh_… lie.",
    ),
    "unsigned": (
        "签名 / Signature：未签名；签名功能将在后续版本提供。",
        "签名 / Signature: not signed; signing comes with a later release.",
    ),
    "file_note": (
        "全部批次见工作簿（xlsx）或 JSON。",
        "All batches are in the workbook (xlsx) and in the JSON.",
    ),
    "image_sums_note": (
        "含首次装载或重新同步：整段替换，核对合计与摘要；其新增、更新、删除两侧可以不同，不是偏差。",
        "With first loads or resyncs: they replace whole ranges, of which total and digest are"
        " compared; their inserts, updates and deletes may differ, and are no deviation.",
    ),
    "list_overview": ("各桥接服务", "Jobs"),
    "list_attention": ("需要处理的桥接服务", "Jobs that need attention"),
    "attention_note": (
        "共 {all} 项，列出最严重的 {n} 项。",
        "The {n} gravest of {all}.",
    ),
    "others_quiet": (
        "其余 {n} 项桥接服务无需处理，逐项见第 2 页起。",
        "The other {n} jobs need no attention; all are listed from page 2 on.",
    ),
    "list_standing": ("在途、挂起与异常", "Open matters"),
    "list_matters": ("另需处理的事项", "What else needs action"),
    "list_positions": ("期初与期末位置", "Opening and closing positions"),
    "list_days": ("逐日", "Days"),
    "list_batches": ("批次", "Batches"),
    "list_conservation": ("守恒", "Conservation"),
    "list_hashes": ("链与摘要", "Chain and digests"),
    "list_audit": ("审计日志", "Audit log"),
    "list_recounts": ("重算语句", "Recount queries"),
    "list_what": ("事项", "What"),
    "list_title": ("名称", "Title"),
    "list_sent_total": ("发送合计", "Sent"),
    "list_sent_inserted": ("发送新增", "Sent ins."),
    "list_sent_updated": ("发送更新", "Sent upd."),
    "list_sent_deleted": ("发送删除", "Sent del."),
    "list_received_total": ("接收合计", "Received"),
    "list_received_inserted": ("接收新增", "Recv. ins."),
    "list_received_updated": ("接收更新", "Recv. upd."),
    "list_received_deleted": ("接收删除", "Recv. del."),
    "list_inserted": ("新增", "Ins."),
    "list_updated": ("更新", "Upd."),
    "list_deleted": ("删除", "Del."),
    "list_deviation_open": ("未消除偏差", "Deviation open"),
    "list_in_flight_batches": ("在途批次", "Batches in flight"),
    "list_in_flight_age": ("最早在途", "Oldest in flight"),
    "list_held_batches": ("挂起批次", "Batches held"),
    "list_held_rows": ("挂起行数", "Rows held"),
    "list_waived_batches": ("豁免批次", "Batches waived"),
    "list_waived_rows": ("豁免行数", "Rows waived"),
    "list_forks": ("分叉", "Forks"),
    "list_periods_kept": ("按时周期", "Cycles kept"),
    "list_periods_due": ("应更新周期", "Cycles due"),
    "list_opening_epoch": ("期初轮次", "Opening epoch"),
    "list_opening_seq": ("期初序号", "Opening seq"),
    "list_opening_hash": ("期初链头", "Opening chain head"),
    "list_closing_epoch": ("期末轮次", "Closing epoch"),
    "list_closing_seq": ("期末序号", "Closing seq"),
    "list_closing_hash": ("期末链头", "Closing chain head"),
    "list_day": ("日期", "Day"),
    "list_unreceipted": ("尚无回执", "No receipt yet"),
    "list_epoch": ("轮次", "Epoch"),
    "list_seq": ("序号", "Seq"),
    "list_window_low": ("窗口起", "Window from"),
    "list_window_high": ("窗口止", "Window to"),
    "list_sealed_at": ("封存", "Sealed"),
    "list_prev_hash": ("前序摘要", "Previous hash"),
    "list_number": ("编号", "No."),
    "list_at": ("时间", "Time"),
    "list_actor": ("操作人", "Actor"),
    "list_action": ("操作", "Action"),
    "list_details": ("内容", "Details"),
    "list_hash": ("摘要", "Hash"),
    "list_recount": ("重算什么", "What it recounts"),
    "list_continued": ("（续：接在上一行之后）", "(goes on from the row above)"),
    "list_store": ("库", "Store"),
    "list_sql": ("语句", "Query"),
    "recount_batches": (
        "各服务的发送、接收、偏差与守恒各项",
        "Sent, received, deviation and the terms of conservation, by job",
    ),
    "recount_days": ("逐日的发送、接收与偏差", "Sent, received and deviation, day by day"),
    "recount_in_flight": ("在途", "In flight"),
    "recount_held": ("挂起", "Held"),
    "recount_waived": ("豁免", "Waived"),
    "recount_quarantine": ("期末隔离待处理", "In quarantine when the period ended"),
    "recount_opening": ("期初位置", "Opening positions"),
    "recount_closing": ("期末位置", "Closing positions"),
    "recount_chain": (
        "断链处：应无结果",
        "Where the chain does not follow: there must be no rows",
    ),
    "recount_audit": ("审计日志", "The audit log"),
    "recount_received_before": (
        "接收端实测，服务配置更改之前封存的批次：若当时目标库不同，请在当时的目标库中执行",
        "What was measured, of batches sealed before the job was changed: where its target was"
        " another one then, run it there",
    ),
    "recount_received": (
        "接收端实测，由接收端自己的回执表计算",
        "What was measured, from the receiver's own receipts",
    ),
}
