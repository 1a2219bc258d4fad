"""What the demonstration and the tests stand on: an embedded PostgreSQL and made-up data."""
