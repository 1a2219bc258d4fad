"""A job's file held against the real structure of its stores."""
