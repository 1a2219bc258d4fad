"""Sends one message to one address, by apprise: DingTalk, WeCom, Feishu, mail, webhooks."""

from __future__ import annotations

import logging
import re
import threading
from typing import Any

from bridge.event import Severity

__all__ = ["TIMEOUT_SECONDS", "send"]

TIMEOUT_SECONDS = 10.0
_STATUS = re.compile(r"error=(\d{3})\b")


def send(
    address: str,
    title: str,
    body: str,
    severity: Severity | None,
    timeout: float = TIMEOUT_SECONDS,
) -> str | None:
    """None when the other side has taken it, else why not, without the address. A severity of None
    is good news. Never raises and never takes longer than `timeout`; what is late may still
    arrive, so a message that is sent again can come twice."""
    answer: list[str | None] = []
    work = threading.Thread(
        target=lambda: answer.append(_deliver(address, title, body, severity)),
        name="messenger",
        daemon=True,
    )
    work.start()
    work.join(timeout)
    return answer[0] if answer else f"no answer within {timeout:g} s"


def _deliver(address: str, title: str, body: str, severity: Severity | None) -> str | None:
    try:
        import apprise  # a seventh of a second: only for who has something to tell

        asset = apprise.AppriseAsset(app_id="Bridgehead", app_desc="Bridgehead 桥头堡")
        service: Any = apprise.Apprise.instantiate(address, asset=asset)
        if not service:
            return "its address is none that apprise understands"
        with _Listening() as heard:
            taken = service.notify(title=title, body=body, notify_type=_type(severity))
        return None if taken else heard.reason
    except Exception as error:  # noqa: BLE001 — a message must not stop a batch; its text may hold the address
        return f"the messenger failed ({type(error).__name__})"


def _type(severity: Severity | None) -> Any:
    from apprise import NotifyType

    if severity is None:
        return NotifyType.SUCCESS
    return NotifyType.WARNING if severity is Severity.WARNING else NotifyType.FAILURE


class _Listening(logging.Handler):
    """Takes from apprise's log the one thing that is safe to pass on: the status of the answer."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self._status = ""

    def __enter__(self) -> _Listening:
        logger = logging.getLogger("apprise")
        logger.propagate = False  # its lines may name the address
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and (found := _STATUS.search(record.getMessage())):
            self._status = found[1]

    @property
    def reason(self) -> str:
        if self._status:
            return f"the other side answered with status {self._status}"
        return "the other side could not be reached, or refused it"
