"""Family dm: DM8 by dmPython; its SQL and its catalogue are close to Oracle's."""

from connectors.dm.connector import DmConnector

__all__ = ["DmConnector"]
