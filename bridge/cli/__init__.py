"""The `bridgehead` command. One module per noun; `app` knows which command is in which."""

from bridge.cli.app import main

__all__ = ["main"]
