"""What is deployed may do no more than it must: the image, its services, the units."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))


def test_the_image_has_no_root_and_no_secret() -> None:
    final = RECIPE[RECIPE.rindex("\nFROM ") :]
    assert re.findall(r"^USER (.+)$", final, re.MULTILINE) == ["10001:10001"]
    assert re.search(r'^ENTRYPOINT \["tini"', final, re.MULTILINE)
    assert re.search(r'^HEALTHCHECK .*CMD \["health"\]$', final, re.MULTILINE)
    assert not re.search(r"gcc|PASSWORD|SECRET", final)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[1] == "*"
    assert not any("secrets" in line for line in ignored if line.startswith("!"))


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_service_may_do_no_more_than_it_must(name: str) -> None:
    service = COMPOSE["services"][name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert {*service["secrets"]} <= COMPOSE["secrets"].keys()
    written = [k for k in service.get("environment", {}) if "PASSWORD" in k]
    assert all(key.endswith("_FILE") for key in written)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_may_do_no_more_than_it_must(unit: Path) -> None:
    lines = unit.read_text("utf-8").splitlines()
    for line in ("User=bridgehead", "NoNewPrivileges=yes", "ProtectSystem=strict", "UMask=0077"):
        assert line in lines
    assert unit.with_suffix(".timer").is_file()


@pytest.mark.parametrize("script", ["agent", "health"])
def test_a_container_script_can_be_run(script: str) -> None:
    file = ROOT / "deploy/container" / script
    assert file.stat().st_mode & stat.S_IXUSR
    subprocess.run(["sh", "-n", str(file)], check=True)
