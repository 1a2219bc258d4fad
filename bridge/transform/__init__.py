"""What happens to rows on their way into the exchange database, on whole columns.

Nothing is imported here: what comes in by this package costs a quarter of a second to load.
"""
