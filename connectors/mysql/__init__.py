"""Family mysql: MariaDB 10.6 and later, and MySQL 8, by mysqlclient, SQLAlchemy and LOAD DATA."""

from connectors.mysql.connector import MysqlConnector

__all__ = ["MysqlConnector"]
