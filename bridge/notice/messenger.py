"""Sends one message to one address, by apprise: DingTalk, WeCom, Feishu, mail, webhooks."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Collection
from typing import Any

from bridge.event import Severity

__all__ = ["TIMEOUT_SECONDS", "send"]

TIMEOUT_SECONDS = 10.0
_STATUS = re.compile(r"error=(\d{3})\b")
_CODES = {
    "dingtalk": ("errcode",),
    "wecombot": ("errcode",),
    "feishu": ("code", "StatusCode"),
    "lark": ("code", "StatusCode"),
}
"""By service: where its answer says 0 if it has taken the message. It refuses with status 200, and
apprise looks at the status alone."""


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
        asset.http_redirects = False  # to a page to log in at, which takes no message
        service: Any = apprise.Apprise.instantiate(address, asset=asset)
        if not service:
            return "its address is none that apprise understands"
        codes = _CODES.get(str(service.secure_protocol), ())
        if codes:
            sys.modules[type(service).__module__].requests = _requests  # type: ignore[attr-defined]
        with _Listening() as heard:
            taken = service.notify(title=title, body=body, notify_type=_type(severity))
        return _refusal(codes) if taken else heard.reason
    except Exception as error:  # noqa: BLE001 — a message must not stop a batch; its text may hold the address
        return f"the messenger failed ({type(error).__name__})"


def _refusal(codes: Collection[str]) -> str | None:
    """None where the answer itself says that the message was taken, or need not say it."""
    if not codes:
        return None
    try:
        said = _requests.heard.answer.json()
        code = int(next(said[name] for name in codes if name in said))
    except (AttributeError, ValueError, TypeError, StopIteration):
        return "the other side did not say that it has taken the message"
    return None if code == 0 else f"the other side refused it with code {code}"


class _Requests:
    """`requests` as a service of apprise sees it; what was answered is kept, for this thread."""

    def __init__(self) -> None:
        self.heard = threading.local()

    def __getattr__(self, name: str) -> Any:
        import requests

        return getattr(requests, name)

    def post(self, *place: Any, **how: Any) -> Any:
        import requests

        self.heard.answer = requests.post(*place, **how)
        return self.heard.answer


_requests = _Requests()


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
