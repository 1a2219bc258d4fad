"""Family odbc: what has an ODBC driver and no family of its own, by pyodbc."""

from connectors.odbc.connector import BEHIND, open_session

__all__ = ["BEHIND", "open_session"]
