"""What we ship: our names are ours, the lock is whole, and the wheel holds every file."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from importlib.resources import files
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bridge", "connectors", "reconcile")
UNLOCKED = {"cx_Oracle"}
"""Builds only with an old setuptools: never installed by set-up."""
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def _requirements() -> list[Requirement]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    listings = [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    lines = "\n".join(listings).splitlines()
    return [Requirement(line) for line in lines if line.strip()]


def _locked() -> dict[str, list[str]]:
    """Versions by name; a name has several where Pythons need different ones."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", LOCK, flags=re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("name", PACKAGES)
def test_an_import_name_belongs_to_our_distribution_alone(name: str) -> None:
    assert set(packages_distributions()[name]) == {"bridgehead"}


@pytest.mark.parametrize(
    "requirement",
    [requirement for requirement in _requirements() if requirement.name not in UNLOCKED],
    ids=lambda requirement: requirement.name,
)
def test_the_lock_fulfils_every_requirement(requirement: Requirement) -> None:
    versions = _locked().get(canonicalize_name(requirement.name), [])
    assert versions, f"{requirement.name} is not locked; run scripts/lock"
    assert all(requirement.specifier.contains(version) for version in versions)


def _pins(lock: str) -> set[str]:
    """Versions with their hashes; on which systems they are needed is left out."""
    return {re.sub(r" ; [^\\\n]*", " ", pin) for pin in re.split(r"\n(?=\S)", lock.strip())[1:]}


def test_the_demonstrations_lock_is_a_part_of_the_lock() -> None:
    part = _pins((ROOT / "requirements-demo.lock").read_text(encoding="utf-8"))
    assert part
    assert part < _pins(LOCK)


def test_every_locked_version_has_a_hash() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())[1:]
    assert len(entries) == sum(map(len, _locked().values()))
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_lock_names_no_place_to_download_from() -> None:
    assert "://" not in LOCK
    assert " @ " not in LOCK
    assert not re.search(r"^\s*-", LOCK.replace("    --hash=sha256:", ""), flags=re.MULTILINE)


@pytest.mark.parametrize("requirement", _requirements(), ids=lambda requirement: requirement.name)
def test_every_dependency_is_explained(requirement: Requirement) -> None:
    explained = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    assert f"| {requirement.name} |" in explained


@pytest.mark.parametrize(
    "script", [*sorted((ROOT / "scripts").iterdir()), ROOT / ".ci/run"], ids=lambda path: path.name
)
def test_a_script_can_be_run(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")


def test_the_example_configuration_is_found_beside_the_code() -> None:
    example = _files(Path(str(files("bridge") / "example")))
    assert "bridgehead.yaml" in example
    assert example == _files(ROOT / "config")


def test_the_wheel_holds_every_file_and_nothing_else(tmp_path: Path) -> None:
    for name in (*PACKAGES, "config", "dags"):
        shutil.copytree(
            ROOT / name,
            tmp_path / name,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    build = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)

    (wheel,) = (tmp_path / "dist").iterdir()
    packed = {
        re.sub(r"^[^/]+\.data/data/", "", name)
        for name in zipfile.ZipFile(wheel).namelist()
        if ".dist-info/" not in name
    }
    expected = {f"{name}/{path}" for name in PACKAGES for path in _files(ROOT / name)}
    expected |= {f"bridge/example/{path}" for path in _files(ROOT / "config")}
    expected |= {f"share/bridgehead/dags/{path}" for path in _files(ROOT / "dags")}
    assert packed == expected
