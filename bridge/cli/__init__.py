"""The `bridgehead` command. One module per noun; `app` knows which command is in which."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["INTERRUPTED", "main"]

INTERRUPTED = 130

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # the models need none


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and leaves with its exit code. Whoever interrupts it before it has begun, or
    when it is over, has nothing to be told."""
    try:
        if "bridge.cli.app" not in sys.modules:
            _import()
        from bridge.cli import app

        app.main(arguments)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _import() -> None:
    """Makes a great many objects and next to no garbage: looking for it would cost a tenth of a
    second each time `status` is called."""
    gc.disable()
    import bridge.cli.app  # noqa: F401

    gc.freeze()
    gc.enable()
