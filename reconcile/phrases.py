"""The phrases of reports: (Chinese, English). Verdicts have their words in `verdict`."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CODES", "PHRASES"]

Pair = tuple[str, str]

CODES: Mapping[str, Mapping[str, Pair]] = {
    "kind": {
        "data": ("变更", "changes"),
        "empty": ("零数据更新", "no change"),
        "first": ("首次装载", "first load"),
        "resync": ("重新同步", "resync"),
        "repair": ("修复", "repair"),
    },
    "state": {
        "sealed": ("已封存", "sealed"),
        "applied": ("已应用", "applied"),
        "reconciled": ("已核对", "reconciled"),
        "deviated": ("有偏差", "deviated"),
        "held": ("挂起", "held"),
        "waived": ("已豁免", "waived"),
        "purged": ("已清除", "purged"),
    },
    "action": {
        "acknowledge": ("认领事件", "acknowledge"),
        "approve": ("批准", "approve"),
        "reject": ("退回", "reject"),
        "waive": ("豁免", "waive"),
        "enable": ("启用", "enable"),
        "disable": ("停用", "disable"),
        "new_epoch": ("开始新的轮次", "new epoch"),
        "purge": ("清理", "purge"),
        "release": ("放弃目标表", "release"),
    },
    "guarantee": {
        "lossless": ("不丢失", "lossless"),
        "bounded": ("有界", "bounded"),
        "at_least_once": ("至少一次，按键覆盖", "at least once, upsert"),
    },
    "headline": {
        "reconciled": ("账目平衡", "The books balance"),
        "in_flight": ("账目相符，尚有在途", "The books agree; rows are still in flight"),
        "unconfirmed": ("一致待确认", "Consistent, not yet confirmed"),
        "waived": ("偏差已豁免，账目并不平衡", "Deviations waived; the books do not balance"),
        "held": ("批次挂起，等待审批", "Batches held, awaiting approval"),
        "deviation": ("存在偏差", "The books deviate"),
        "gap": ("批次断号", "Batches are missing"),
        "fork": ("账目分叉", "The books have forked"),
    },
    "part": {
        "inserted": ("新增", "inserted"),
        "updated": ("更新", "updated"),
        "deleted": ("删除", "deleted"),
        "unchanged": ("原有", "already there"),
    },
}

PHRASES: Mapping[str, Pair] = {
    "title": ("数据桥接对账单", "Reconciliation statement"),
    "product": ("桥头堡 Bridgehead", "Bridgehead 桥头堡"),
    "department": ("部门", "Department"),
    "period": ("对账期间", "Period"),
    "generated_at": ("生成时间", "Generated"),
    "to": ("至", "to"),
    "headline_deviation": ("存在偏差 {n}", "A deviation of {n}"),
    "headline_gap": ("批次断号 {n}", "{n:batch is|batches are} missing"),
    "headline_residual": ("账目残差 {n}", "The books leave a residual of {n}"),
    "limit_jobs": (
        "只含所选的桥接服务；未列入 {n} 项：{jobs}",
        "Of chosen sync jobs alone. Left out ({n}): {jobs}",
    ),
    "limit_early": (
        "生成时期间尚未结束：此后发生的不在其中",
        "Made before the period was over: what came after that is not in it",
    ),
    "headline_none": ("本期没有批次", "No batches in this period"),
    "conclusion": (
        "本期 {jobs} 项桥接服务，{batches} 个批次，发送 {sent} 行，接收端实测 {received} 行。",
        "In this period {jobs:sync job|sync jobs} sealed {batches:batch|batches}:"
        " {sent:row|rows} sent, {received:row|rows} measured at the receiver.",
    ),
    "conclusion_reconciled": (
        "逐批核对合计、新增、更新、删除与摘要，全部一致。",
        "Totals, inserts, updates, deletes and digests agree in every batch.",
    ),
    "conclusion_mended": (
        "本期发现的偏差 {n} 均已改正；其余批次逐批核对，全部一致。",
        "The deviation of {n} that was found has been put right; all other batches agree.",
    ),
    "conclusion_in_flight": (
        "已有回执的批次全部一致；在途 {n} 行尚无回执，不计为已核对，也不计为偏差。",
        "All batches with a receipt agree; {n:row|rows} in flight have none yet and count neither"
        " as reconciled nor as a deviation.",
    ),
    "conclusion_unconfirmed": (
        "单向链路没有回执；未见相反证据，待导入接收端签名对账单后确认。",
        "A one-way link returns no receipt; nothing contradicts, and the receiver's signed"
        " statement will confirm it.",
    ),
    "conclusion_waived": (
        "{n} 行经人工豁免，并未改正；何人、何时、何故见下文。",
        "{n:row|rows} waived, and not put right: who, when and why stands below.",
    ),
    "conclusion_action": (
        "需要处理的事项见下文，均列明原因与下一步。",
        "What needs action is listed below, with its cause and next step.",
    ),
    "jobs": ("桥接服务", "Sync jobs"),
    "batches": ("批次", "Batches"),
    "sent_rows": ("发送行数", "Rows sent"),
    "received_rows": ("实测接收行数", "Rows received"),
    "deviation": ("偏差", "Deviation"),
    "in_flight": ("在途行数", "Rows in flight"),
    "in_flight_detail": ("{n} 个批次", "{n:batch|batches}"),
    "quarantined_open": ("隔离待处理", "In quarantine"),
    "gaps": ("断号批次", "Missing batches"),
    "chart_title": ("逐批发送与接收", "Sent and received, batch by batch"),
    "chart_caption": (
        "轴上为发送，轴下为接收端实测。上下对称，即账目平衡。",
        "Above the axis: sent. Below: measured at the receiver. A symmetric picture is a"
        " balanced book.",
    ),
    "chart_rooted": ("纵轴为平方根刻度。", "The axis shows square roots."),
    "chart_grouped": ("每柱合并 {n} 个相邻批次。", "Each bar stands for {n} neighbouring batches."),
    "chart_sent": ("发送", "sent"),
    "chart_received": ("接收", "received"),
    "chart_waiting": ("尚无回执", "no receipt yet"),
    "chart_alarm": ("需处理", "needs action"),
    "overview": ("各桥接服务结论", "Verdict by job"),
    "job": ("桥接服务", "Job"),
    "sent": ("发送", "Sent"),
    "received": ("实测接收", "Received"),
    "quarantined": ("隔离", "Quarantined"),
    "gap": ("断号", "Gaps"),
    "verdict": ("结论", "Verdict"),
    "action": ("需要处理的事项", "What needs action"),
    "action_none": ("无。", "Nothing."),
    "unreceipted": ("尚无回执", "No receipt yet"),
    "quarantine_what": ("隔离 {n} 行", "{n:row|rows} in quarantine"),
    "quarantine_cause": ("未通过校验或被目标库拒收", "refused by a rule or by the target"),
    "quarantine_step": (
        "查看原因，更正源数据后重试：bridgehead quarantine",
        "Read the reasons, correct the source, then retry: bridgehead quarantine",
    ),
    "batch": ("批次", "Batch"),
    "cause": ("原因", "Cause"),
    "next_step": ("下一步", "Next step"),
    "gap_range": (
        "轮次 {epoch}，序号 {first} 至 {last}",
        "epoch {epoch}, numbers {first} to {last}",
    ),
    "gap_one": ("轮次 {epoch}，序号 {first}", "epoch {epoch}, number {first}"),
    "gap_cause": ("接收端缺少批次", "the receiver lacks batches"),
    "gap_step": ("重新发送所缺批次", "Send the missing batches again"),
    "residual_cause": ("账目残差 {n}", "the sender's books leave a residual of {n}"),
    "held_cause": ("删除行数超过上限", "more deletes than allowed"),
    "held_step": (
        "核实后批准或退回：bridgehead approve，bridgehead reject",
        "Verify, then approve or reject: bridgehead approve, bridgehead reject",
    ),
    "fork_cause": ("同一序号出现两份内容", "one number was used for two contents"),
    "fork_step": (
        "停止该服务，查明是否恢复过备份，再开启新轮次",
        "Stop the job, find out whether a side was restored, then begin a new epoch",
    ),
    "source": ("源库", "Source"),
    "exchange": ("前置交换库", "Exchange"),
    "target": ("目标库", "Target"),
    "guarantee": ("保证", "Guarantee"),
    "resource": ("信息资源", "Resource"),
    "timeliness": ("更新及时率", "Timeliness"),
    "stream_title": ("累计账（自建立至截止点）", "Books since the beginning, at the cut"),
    "stream_note": (
        "合计含首次装载与重新同步；新增、更新、删除只计变更批次。",
        "The total includes first loads and resyncs; inserts, updates and deletes are those of"
        " batches of changes.",
    ),
    "position": ("位置", "Position"),
    "position_value": ("轮次 {epoch} · 序号 {seq}", "epoch {epoch} · number {seq}"),
    "head_hash": ("链头", "Chain head"),
    "sender": ("发送端", "Sender"),
    "receiver": ("接收端", "Receiver"),
    "agree": ("相符", "Agreement"),
    "total": ("合计", "Total"),
    "inserted": ("新增", "Ins."),
    "updated": ("更新", "Upd."),
    "deleted": ("删除", "Del."),
    "in_flight_facts": (
        "{batches} 个批次，{rows} 行",
        "{batches:batch|batches}, {rows:row|rows}",
    ),
    "in_flight_aged": (
        "{batches} 个批次，{rows} 行，最早的已等待 {age}",
        "{batches:batch|batches}, {rows:row|rows}, the oldest for {age}",
    ),
    "content_title": ("内容核对（逐键）", "Contents compared key by key"),
    "checked_at": ("核对时间", "Compared"),
    "missing": ("缺少", "Missing"),
    "extra": ("多余", "Extra"),
    "different": ("不同", "Different"),
    "batch_title": ("批次对账", "Batches, sent against received"),
    "kind": ("类型", "Kind"),
    "window": ("时间窗口", "Window"),
    "beginning": ("最初", "beginning"),
    "digest": ("摘要", "Digest"),
    "sum": ("本期合计", "Sum of the period"),
    "listed_note": (
        "列出 {all} 个批次中的 {n} 个：最近的，以及需处理的；合计含全部。",
        "{n} of {all} batches are listed: the newest, and those that need action; sums are of all.",
    ),
    "no_batches": ("本期没有批次。", "No batches in this period."),
    "image_note": (
        "首次装载与重新同步按键段整段替换，核对合计与摘要；新增、更新、删除仅供参考（灰色）。",
        "First loads and resyncs replace whole key ranges: total and digest are compared; inserts,"
        " updates and deletes are shown for information (grey).",
    ),
    "audit_title": ("审计附页", "For the auditor"),
    "audit_lead": (
        "以下恒等式与链式摘要可独立重算，无需信任本系统。",
        "The identities and the hash chain below can be recomputed by anyone, without trusting"
        " this system.",
    ),
    "identities": ("恒等式", "Identities"),
    "identity_conservation": ("守恒", "Conservation"),
    "identity_conservation_is": (
        "读取 + 消失 = 新增 + 更新 + 删除 + 未变 + 被取代 + 隔离",
        "read + gone = inserted + updated + deleted + unchanged + superseded + quarantined",
    ),
    "identity_sent": ("发送合计", "Total sent"),
    "identity_sent_is": (
        "变更批次：新增 + 更新 + 删除；整段批次：新增 + 更新 + 未变",
        "changes: inserted + updated + deleted; images: inserted + updated + unchanged",
    ),
    "identity_deviation": ("偏差", "Deviation"),
    "identity_deviation_is": (
        "变更批次：|Δ新增| + |Δ更新| + |Δ删除|；整段批次：|Δ合计|；仅合计或摘要不同时至少为 1",
        "changes: |Δinserted| + |Δupdated| + |Δdeleted|; images: |Δtotal|; at least 1 if only total"
        " or digest differs",
    ),
    "identity_chain": ("连续", "Continuity"),
    "identity_chain_is": (
        "同一轮次内序号为 1、2、3……；每批的前序摘要即上一批的批次摘要",
        "numbers are 1, 2, 3 … within an epoch; each batch names the hash of the one before it",
    ),
    "residual_all": ("本期各批残差绝对值之和", "Sum of all residuals of the period, absolute"),
    "conservation_title": ("守恒核对", "Conservation"),
    "read": ("读取", "Read"),
    "gone": ("消失", "Gone"),
    "unchanged": ("未变", "Unch."),
    "superseded": ("被取代", "Supers."),
    "quarantined_short": ("隔离", "Quar."),
    "late": ("其中迟到", "Late"),
    "residual": ("残差", "Residual"),
    "chain_title": ("批次链与摘要", "Chain and digests"),
    "batch_hash": ("批次摘要（SHA-256）", "Batch hash (SHA-256)"),
    "digest_sent": ("发送摘要", "Digest sent"),
    "digest_received": ("实测摘要", "Digest measured"),
    "state": ("状态", "State"),
    "recompute_title": ("如何重算", "How to recompute"),
    "recompute_1": (
        "导出批次：bridgehead batches 服务名 --limit 批次数 --json，逐批检查守恒式，残差应为 0。",
        "Export the batches: bridgehead batches JOB --limit N --json, N being how many; check"
        " conservation batch by batch, the residual must be 0.",
    ),
    "recompute_2": (
        "重算链，取自前置交换库的 bh_batch："
        "批次摘要是对部门、服务、轮次、序号、前序摘要、配置摘要、类型、窗口、键段、末段标志、计数与数据摘要的规范"
        " JSON（键名排序，无空白，ASCII）取 SHA-256。",
        "Recompute the chain from bh_batch at the exchange: a batch hash is the SHA-256 of the"
        " canonical JSON (sorted names, no white space, ASCII) of department, job, epoch,"
        " seq, prev_hash, content_hash, kind, window, keys, last, counts and digest.",
    ),
    "recompute_3": (
        "重算数据摘要：各键规范行取 SHA-256 的前两个 64 位字，分两路按 2⁶⁴ 求和；"
        "已删除的键按不存在计入。"
        "与行序无关，可在任一数据库内重算。",
        "Recompute a digest: of each touched key's canonical line take the first two 64-bit words"
        " of SHA-256 and sum them in two lanes modulo 2⁶⁴; a deleted key counts as absent. The"
        " order of rows does not matter, and any of the databases can do it.",
    ),
    "recompute_4": (
        "抽查内容：bridgehead reconcile 服务名，在前置交换库与目标库之间逐键比对；不读源库。",
        "Check the contents: bridgehead reconcile JOB compares exchange and target key by key. It"
        " does not read the source.",
    ),
    "signature_made": ("编制", "Prepared by"),
    "signature_checked": ("复核", "Reviewed by"),
    "signature_audited": ("审计", "Audited by"),
    "signature_date": ("日期", "Date"),
    "footer": (
        "本对账单由台账自动生成，只含计数与摘要，不含个人信息。时间均为 {offset}。",
        "Made from the ledger. It holds counts and digests only, no personal data. All times are"
        " {offset}.",
    ),
}
