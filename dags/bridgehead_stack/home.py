"""The folder of an Airflow: secrets made once, logins, logs, and a lock that one holder has."""

from __future__ import annotations

import json
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from bridgehead_stack.trouble import Trouble

__all__ = ["Home", "default_home"]


def default_home() -> Path:
    """Never inside a checkout. The server that keeps Airflow's data does not run as root, and could
    not enter root's own folder."""
    if os.geteuid() == 0:
        return Path("/var/lib/bridgehead/airflow")
    return Path("~/.bridgehead/airflow").expanduser()


@dataclass(frozen=True)
class Home:
    """All of it belongs to the account that runs Airflow."""

    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def logins(self) -> Path:
        return self.path / "secret" / "logins.json"

    def make(self) -> FileLock:
        """Makes what is missing; the lock that this process holds until it ends."""
        if (self.path / "setup.cfg").exists():
            raise Trouble(f"{self.path} is a checkout; choose another folder with --home DIR")
        try:
            for folder in (self.path, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
            self.logins.parent.mkdir(mode=0o700, exist_ok=True)
            lock = FileLock(self.path / "stack.lock")
            lock.acquire(timeout=0)
        except Timeout:
            raise Trouble(f"Airflow is running in {self.path} already") from None
        except OSError as error:
            raise Trouble(f"{self.path} cannot be used: {error.strerror}") from None
        return lock

    def secret(self, name: str) -> str:
        """Made on the first start, readable by this account alone."""
        place = self.logins.parent / name
        if not place.exists():
            self.write(place, urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii"))
        return place.read_text(encoding="ascii")

    def passwords(self) -> dict[str, str]:
        """What each user was given first."""
        if not self.logins.exists():
            return {}
        found: dict[str, str] = json.loads(self.logins.read_text(encoding="utf-8"))
        return found

    @staticmethod
    def write(place: Path, text: str) -> None:
        """A file that no other account can read, at any moment."""
        part = place.with_name(f"{place.name}.part")
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        part.write_text(text, encoding="utf-8")
        part.replace(place)
