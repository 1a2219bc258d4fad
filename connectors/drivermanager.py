"""What `odbcinst.ini` asks of the driver manager and its drivers, and no connection can undo: files
that they write beside us, sessions that they keep."""

from __future__ import annotations

import ctypes

from connectors.endpoint import Endpoint
from connectors.errors import ConfigurationError

__all__ = ["driver_begins_logs", "manager_traces", "refuse_pooling"]

_LIBRARY = "libodbcinst.so.2"  # what unixODBC and its drivers read their settings by
_FILE = "odbcinst.ini"
_LONGEST = 64


def manager_traces() -> str | None:
    """What is wrong where the driver manager writes every call, and each value that is read, into
    a file; None where it does not."""
    if _is_on("Trace"):
        return (
            "the ODBC driver manager writes rows into a file (Trace under [ODBC] in odbcinst.ini)"
        )
    return None


def driver_begins_logs() -> str | None:
    """What is wrong where psqlODBC begins a file in /tmp for each process that uses it, as Debian's
    package has it; None where it does not. It writes of the ends of connections there, and of no
    statement: our sessions switch that off."""
    for name in ("CommLog", "Debug"):
        if _setting("PostgreSQL Unicode", name) not in ("", "0"):
            return (
                "the driver leaves a file in /tmp for each process "
                f"({name} under [PostgreSQL Unicode] in odbcinst.ini): set it to 0"
            )
    return None


def refuse_pooling(endpoint: Endpoint, driver: str) -> None:
    """ConfigurationError where the driver manager keeps what we close: its locks would be kept as
    well, and the next session would be one that another has used."""
    if _is_on("Pooling") and _setting(driver, "CPTimeout") not in ("", "0"):
        raise ConfigurationError(
            "the ODBC driver manager keeps sessions that were closed, with their locks "
            f"(Pooling under [ODBC], CPTimeout under [{driver}] in odbcinst.ini)",
            endpoint=str(endpoint),
            remedy=f"take CPTimeout out of [{driver}], or register the driver under another name",
        )


def _is_on(name: str) -> bool:
    return _setting("ODBC", name).lower().startswith(("1", "y", "on"))


def _setting(section: str, name: str) -> str:
    """Empty where nothing is said, or nobody reads such a file."""
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return ""
    found = ctypes.create_string_buffer(_LONGEST)
    library.SQLGetPrivateProfileString(
        section.encode(), name.encode(), b"", found, len(found), _FILE.encode()
    )
    return found.value.decode(errors="replace").strip()
