"""Which account of the machine runs the embedded server, and what that account can reach."""

from __future__ import annotations

import hashlib
import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.errors import BridgeheadError

__all__ = [
    "Account",
    "EmbeddedPostgresError",
    "kept_directory",
    "open_place",
    "private_directory",
    "server_account",
]

_STAND_IN = "nobody"


class EmbeddedPostgresError(BridgeheadError):
    """The embedded PostgreSQL could not be prepared, started or asked."""

    code = "embedded_postgres"
    exit_code = 3


@dataclass(frozen=True)
class Account:
    """Who runs the server processes; `switch` is False when that is simply ourselves."""

    uid: int
    gid: int
    switch: bool

    def options(self) -> dict[str, Any]:
        """Keyword arguments for `subprocess` that make a child run as this account."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, test: str, path: Path) -> bool:
        """Ask the kernel as this account: `test` is `-r`, `-w` or `-x` of test(1)."""
        command = ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)]
        return subprocess.run(command, cwd="/", check=False, **self.options()).returncode == 0

    def own(self, path: Path) -> None:
        """Make `path` this account's private directory or file."""
        path.chmod(0o700 if path.is_dir() else 0o600)
        if self.switch:
            os.chown(path, self.uid, self.gid)


def server_account() -> Account:
    """Ourselves, or `nobody` when we are root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    try:
        entry = pwd.getpwnam(_STAND_IN)
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL does not run as root, and this machine has no account {_STAND_IN!r}",
            remedy="run as an ordinary user",
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def private_directory(account: Account, wanted: Path, name: str) -> Path:
    """A new directory inside `wanted`, or in a temporary place if the account cannot enter it."""
    wanted.mkdir(parents=True, exist_ok=True)
    place = wanted if account.can("-x", wanted) else open_place(account)
    made = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place))
    account.own(made)
    return made


def kept_directory(account: Account, wanted: Path, name: str) -> Path:
    """The same directory each time, where the account can enter it; it belongs to the account."""
    wanted.mkdir(parents=True, exist_ok=True)
    made = wanted / name
    if not account.can("-x", wanted):
        mark = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
        made = open_place(account) / f"{name}-{mark}"
    made.mkdir(mode=0o700, exist_ok=True)
    if made.is_symlink() or made.stat().st_uid not in (account.uid, os.geteuid()):
        raise EmbeddedPostgresError(
            f"{made} is in the way and belongs to another account", remedy="remove it"
        )
    account.own(made)
    return made


def open_place(account: Account) -> Path:
    """A temporary directory that the account can enter."""
    places = dict.fromkeys([Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")])
    for place in places:
        if place.is_dir() and account.can("-x", place):
            return place
    tried = ", ".join(map(str, places))
    raise EmbeddedPostgresError(
        f"account {account.uid}, which runs the server, cannot enter any of {tried}",
        remedy="set TMPDIR to a directory that every account may enter",
    )
