"""What image and units name is there: the way of an installation must not rot unseen."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer
import yaml

from bridge.cli.app import COMMANDS, app

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
SYSTEMD = ROOT / "deploy/systemd"
CONTAINER = ROOT / "deploy/container"


def unit(name: str) -> configparser.RawConfigParser:
    parsed = configparser.RawConfigParser(strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(SYSTEMD / name, encoding="utf-8")
    return parsed


def is_call(words: list[str]) -> bool:
    """Whether the command has this sub-command with these options."""
    known = typer.main.get_command(app).get_command(None, words[0])  # type: ignore[attr-defined]
    if words[0] not in COMMANDS or known is None:
        return False
    taken = {option for p in known.params for option in p.opts}
    if hasattr(known, "commands"):
        taken |= set(known.commands)
    return all(w in taken for w in words[1:] if not w[0].isdigit() and not w.startswith("$"))


def test_what_the_image_copies_is_there() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    sources = [w for line in copied for w in shlex.split(line)[:-1] if not w.startswith("--")]
    assert len(sources) > 8
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_extras_of_the_image_are_ours() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    (extras,) = re.findall(r"^ARG EXTRAS=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert set(extras.split(",")) <= set(setup["options.extras_require"])


def test_the_image_runs_as_nobody_in_particular() -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "pip install" not in last


def test_the_agent_has_nothing_to_write_to_but_memory() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        ports = service.get("ports", [])
        assert all(str(port).startswith("127.0.0.1:") for port in ports)
    volumes = compose["services"]["agent"]["volumes"]
    assert all(volume.endswith(":ro") for volume in volumes)


@pytest.mark.parametrize("name", sorted(p.name for p in SYSTEMD.glob("*.timer")))
def test_a_timer_starts_a_command_that_there_is(name: str) -> None:
    assert unit(name)["Install"]["WantedBy"] == "timers.target"
    service = unit(name.replace(".timer", ".service"))["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert program == "/opt/bridgehead/bin/bridgehead"
    assert is_call(words)
    assert (service["User"], service["ProtectSystem"]) == ("bridgehead", "strict")
    assert service["StateDirectory"] == "bridgehead", "where all of them know who was told"


def test_the_agent_calls_commands_that_there_are() -> None:
    steps = re.findall(r"^  step (.+)$", (CONTAINER / "agent").read_text("utf-8"), re.MULTILINE)
    assert len(steps) == 3
    assert all(is_call(shlex.split(step)) for step in steps)


@pytest.mark.parametrize("name", ["agent", "health"])
def test_a_shell_script_of_the_image_can_be_read(name: str) -> None:
    subprocess.run(["sh", "-n", CONTAINER / name], check=True)
