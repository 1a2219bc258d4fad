"""Family postgresql: PostgreSQL 13 and later, by psycopg 3, SQLAlchemy and COPY."""

from connectors.postgresql.connector import PostgresqlConnector

__all__ = ["PostgresqlConnector"]
