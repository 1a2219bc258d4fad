"""When a resource must be brought up to date, and how often it was."""
