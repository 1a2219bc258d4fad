"""What has happened is noticed, and people are told of it."""
