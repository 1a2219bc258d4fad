"""The ways of finding changes at the source."""
