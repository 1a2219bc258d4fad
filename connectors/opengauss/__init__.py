"""Family opengauss: openGauss 3 and later, by psycopg 3 and what its SQL has of PostgreSQL 9.2."""

from connectors.opengauss.connector import OpengaussConnector

__all__ = ["OpengaussConnector"]
