"""The `bridgehead` command. One module per noun; `app` knows which command is in which."""

import gc
import os

# Importing makes a great many objects and next to no garbage: looking for it would cost a tenth
# of a second each time `status` is called. The models need no plugins of other packages either.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
gc.disable()

from bridge.cli.app import main  # noqa: E402

gc.freeze()
gc.enable()

__all__ = ["main"]
