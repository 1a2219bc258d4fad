"""Family odbc: what has an ODBC driver and no family of its own, by pyodbc."""

from connectors.odbc.connector import BEHIND, open_session
from connectors.odbc.session import OdbcSession

__all__ = ["BEHIND", "OdbcSession", "open_session"]
