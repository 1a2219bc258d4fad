"""How a configuration directory is read and checked; `bridge.settings` and `bridge.job` use it."""
