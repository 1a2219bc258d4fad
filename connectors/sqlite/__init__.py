"""Family sqlite: SQLite database files, by the driver of the standard library and SQLAlchemy."""

from connectors.sqlite.connector import SqliteConnector

__all__ = ["SqliteConnector"]
