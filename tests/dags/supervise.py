"""Supervises small processes, for test_supervisor.py. Arguments: a folder, then how it goes on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bridgehead_stack.service import Service
from bridgehead_stack.supervisor import Supervisor
from bridgehead_stack.trouble import Trouble

# A daemon's grandchild, in a session of its own, that ignores a polite request.
STUBBORN = "setsid sh -c 'trap \"\" TERM; echo $$ >> pids; while :; do sleep 1; done' & "
STEADY = "echo $$ >> pids; sleep 1000 & echo $! >> pids; wait"
DYING = "echo x >> deaths; exit 3"
ONCE = "echo x >> deaths; [ $(wc -l < deaths) -gt 1 ] || exit 3; echo $$ >> pids; sleep 1000"


def service(folder: Path, name: str, script: str) -> Service:
    command = ["/bin/sh", "-c", f"cd '{folder}'; {script}"]
    return Service(name, command, dict(os.environ), folder / f"{name}.log", tries=2)


if __name__ == "__main__":
    folder, way = Path(sys.argv[1]), sys.argv[2]
    scripts = {"first": STUBBORN + STEADY if way == "stubborn" else STEADY}
    if way in ("dying", "once"):
        scripts["second"] = {"dying": DYING, "once": ONCE}[way]
    supervisor = Supervisor(lambda text: print(text, flush=True))
    supervisor.listen()
    services = [service(folder, name, script) for name, script in scripts.items()]
    try:
        supervisor.run(services, lambda: True, lambda: print("ready", flush=True), 60)
    except Trouble as error:
        print(error, flush=True)
        sys.exit(1)
    finally:
        supervisor.stop(())
