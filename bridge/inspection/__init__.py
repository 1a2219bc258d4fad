"""What `check` looks at: everything that stands between a job and its run."""
