"""While the exchange database is down no event can be kept there: a small file of this account
remembers since when, and who has been told, so that nobody is told every few minutes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from bridge.settings import Deployment

__all__ = ["Aside", "forget", "recall", "remember"]


@dataclass
class Aside:
    """`told` says of each rule when it was last told, `failed` when its message last did not
    arrive, unless one has since."""

    since: datetime
    told: dict[str, datetime] = field(default_factory=dict)
    failed: dict[str, datetime] = field(default_factory=dict)


def recall(deployment: Deployment) -> Aside | None:
    """None where the exchange is not known to be down. A file that cannot be read tells nothing:
    rather is somebody told twice than nobody."""
    place = _place(deployment)
    try:
        if not _is_ours(place.parent):
            return None
        content = json.loads(place.read_text("utf-8"))
        since, told = datetime.fromisoformat(content["since"]), _moments(content["told"])
        return Aside(since, told, _moments(content.get("failed", {})))
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def remember(deployment: Deployment, aside: Aside) -> None:
    content = json.dumps(asdict(aside), default=datetime.isoformat)
    place = _place(deployment)
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, exist_ok=True)
        if not _is_ours(place.parent):
            return
        part = place.with_suffix(f".{os.getpid()}")
        part.write_text(content, "utf-8")
        part.replace(place)


def forget(deployment: Deployment) -> None:
    with suppress(OSError):
        _place(deployment).unlink()


def _moments(content: dict[str, str]) -> dict[str, datetime]:
    return {rule: datetime.fromisoformat(at) for rule, at in content.items()}


def _is_ours(folder: Path) -> bool:
    """In somebody else's, what is written could be theirs to read, and a pipe would be waited for
    without end."""
    return folder.lstat().st_uid == os.getuid()


def _place(deployment: Deployment) -> Path:
    """One for each deployment of each account. A unit of systemd has a temporary directory of its
    own, which is gone when a pass ends; the state directory is all units' and stays."""
    kept = os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or tempfile.gettempdir()
    name = hashlib.sha256(str(deployment.directory).encode()).hexdigest()[:16]
    return Path(kept) / f"bridgehead-{os.getuid()}" / f"{name}.json"
