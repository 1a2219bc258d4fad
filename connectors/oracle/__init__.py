"""Family oracle: Oracle by python-oracledb, or by cx_Oracle where the endpoint's driver says so."""

from connectors.oracle.connector import OracleConnector

__all__ = ["OracleConnector"]
