"""The time zone of stamps that bear none."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bridge.hold import Hold
from connectors.errors import ConfigurationError

__all__ = ["zone_of"]


def zone_of(held: Hold) -> ZoneInfo:
    """The zone of stamps without one."""
    name = held.job.capture.timezone or held.source.timezone()
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"{held.name}: the server's time zone {name} has no IANA name",
            endpoint=held.job.source.endpoint,
            remedy="set capture.timezone, for example Asia/Shanghai",
        ) from error
