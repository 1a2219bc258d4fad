"""Speed and memory against the floor of this machine: two plain pipes."""
