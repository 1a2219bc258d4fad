"""Family mysql: MariaDB 10.6 and later, and MySQL 8, by mysqlclient, SQLAlchemy and LOAD DATA.

What asks a server in SQL alone is loaded without the driver.
"""
