"""Family mssql: SQL Server by pyodbc and Microsoft's ODBC driver."""

from connectors.mssql.connector import MssqlConnector

__all__ = ["MssqlConnector"]
