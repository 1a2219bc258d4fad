"""Family kingbase: KingbaseES V8 and later, by ksycopg2 and the statements of PostgreSQL."""

from connectors.kingbase.connector import KingbaseConnector

__all__ = ["KingbaseConnector"]
