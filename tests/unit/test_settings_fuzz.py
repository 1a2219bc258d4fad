"""Whatever stands in the configuration: it loads, or is refused in plain words; never a traceback,
in bounded time and memory."""

from __future__ import annotations

import copy
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.settings import Deployment, load
from connectors.errors import ConfigurationError

FILES = ("bridgehead.yaml", "calendar.yaml", "jobs/population.yaml", "codes/gbt2261_1.csv")
MEMORY_BYTES = 700_000_000
CPU_SECONDS = 15


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example that is shipped, which uses nearly every key."""
    made = tmp_path_factory.mktemp("fuzz")
    return Path(shutil.copytree("config", made / "config"))


@pytest.fixture
def restored(directory: Path) -> Iterator[Path]:
    yield directory
    shutil.rmtree(directory)
    shutil.copytree("config", directory)


def judged(directory: Path) -> Deployment | None:
    """Loads it; what is said is short, printable, and names a file. None if it was refused."""
    try:
        deployment = load(directory)
    except ConfigurationError as error:  # whatever else comes through is the finding
        deployment, told = None, str(error).splitlines()
    else:
        told = [str(problem) for problem in deployment.problems]
        for name in deployment.bad_jobs:
            with pytest.raises(ConfigurationError):
                deployment.job(name)
    assert len(told) <= 300
    for line in told:
        assert len(line) < 700, line
        assert line.isprintable(), line
        assert line.startswith((*FILES, "codes/", "jobs/", "codes:", "jobs:")), line
    return deployment


def test_the_example_loads(directory: Path) -> None:
    deployment = judged(directory)
    assert deployment is not None
    assert set(deployment.jobs) == {"population", "enterprise"}


@settings(max_examples=40)
@given(file=st.sampled_from(FILES), content=st.binary(max_size=300) | st.text(max_size=300))
def test_any_content(directory: Path, file: str, content: bytes | str) -> None:
    path = directory / file
    before = path.read_bytes()
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    try:
        judged(directory)
    finally:
        path.write_bytes(before)


@settings(max_examples=40)
@given(file=st.sampled_from(FILES), data=st.data())
def test_any_bytes_in_the_middle(directory: Path, file: str, data: st.DataObject) -> None:
    """A file that was cut, overwritten or mangled somewhere."""
    path = directory / file
    before = path.read_bytes()
    start = data.draw(st.integers(0, len(before)))
    length = data.draw(st.sampled_from([0, 1, 5, 50, len(before)]))
    middle = data.draw(st.binary(max_size=8) | st.sampled_from(["\t", ": ", "- ", "*a", "&a ", "{", "'", "\ufeff", "\u2028"]).map(str.encode))  # fmt: skip # noqa: E501
    path.write_bytes(before[:start] + middle + before[start + length :])
    try:
        judged(directory)
    finally:
        path.write_bytes(before)


WORDS = st.sampled_from(
    ["", " ", "x", "0", "-1", "1e999", "nan", "null", "true", "~", "\0", "\ud800", "../..", "a\nb",
     "a\0b", "𠮷" * 300, "%s{}", "9" * 5000, "*/10 * * * *", "10m", "99999999999d", "{env: X}",
     "/dev/zero", "/proc/self/mem", "jobs", "postgresql://u:p@h/d", "2026-13-45", "[", "'"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def places(value: object, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*at, key))
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*at, number))


def replaced(content: Any, at: tuple[Any, ...], value: object) -> Any:
    if not at:
        return value
    changed = copy.copy(content)
    changed[at[0]] = replaced(content[at[0]], at[1:], value)
    return changed


@settings(max_examples=120)
@given(file=st.sampled_from([f for f in FILES if f.endswith(".yaml")]), data=st.data())
def test_any_value_anywhere(directory: Path, file: str, data: st.DataObject) -> None:
    """Wrong types, deep values, huge keys: at every place of a sound file."""
    path = directory / file
    before = path.read_bytes()
    content = yaml.safe_load(before)
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.sampled_from(list(places(content))))
        content = replaced(content, at, data.draw(VALUES))
    text = yaml.safe_dump(content, allow_unicode=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        judged(directory)
    finally:
        path.write_bytes(before)


@settings(max_examples=40)
@given(data=st.data())
def test_any_settings_of_an_endpoint(directory: Path, data: st.DataObject) -> None:
    path = directory / "bridgehead.yaml"
    before = path.read_bytes()
    content = yaml.safe_load(before)
    names = ["family", "host", "port", "database", "user", "password", "path", "folder", "schema"]
    names += ["connect_timeout", "statement_timeout", "tls", "options", "driver", "dsn", "x"]
    families = st.sampled_from(["postgresql", "sqlite", "mysql", "odbc", "excel", "oracle", "dm"])
    some = st.dictionaries(st.sampled_from(names), VALUES, max_size=6)
    content["endpoints"]["business"] = data.draw(some) | {"family": data.draw(families)}
    path.write_bytes(yaml.safe_dump(content, allow_unicode=True).encode("utf-8", "surrogatepass"))
    try:
        judged(directory)
    finally:
        path.write_bytes(before)


# -- what stands in the place of a file ------------------------------------------------------------


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _nowhere(path: Path) -> None:
    path.symlink_to("/nowhere")


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


INSTEAD = (_folder, _loop, _nowhere, _endless, _pipe)


@pytest.mark.parametrize("instead", INSTEAD)
@pytest.mark.parametrize("file", [*FILES, "jobs", "codes"])
def test_something_else_in_the_place_of_a_file(
    restored: Path, file: str, instead: Callable[[Path], None]
) -> None:
    path = restored / file
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    instead(path)
    deployment = judged(restored)
    sound = deployment is not None and not deployment.problems
    assert not sound or (file in ("jobs", "codes") and instead is _folder)


@pytest.mark.parametrize("instead", INSTEAD)
def test_something_else_in_the_place_of_a_secret(
    restored: Path, instead: Callable[[Path], None]
) -> None:
    instead(restored / "secret")
    path = restored / "bridgehead.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    for name in content["endpoints"]:
        if "password" in content["endpoints"][name]:
            content["endpoints"][name]["password"] = {"file": "secret"}
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    deployment = judged(restored)
    assert deployment is not None
    with pytest.raises(ConfigurationError, match="secret"):
        deployment.endpoint("business")


# -- bounded, whoever wrote it ---------------------------------------------------------------------

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + below] * 10)}]\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMBS = {
    "laughs": LAUGHS,
    "nested": "[" * 990_000,
    "keys": "".join(f"k{number}: 1\n" for number in range(90_000)),
    "one key": "k" * 990_000 + ": 1\n",
    "one value": "job: " + "x" * 990_000 + "\n",
    "anchors": "".join(f"k{number}: &a{number} 1\n" for number in range(60_000)),
    "escapes": 'job: "' + "\\U0001F600" * 90_000 + '"\n',
    "folded": "job: >\n" + " x\n" * 300_000,
    "quotes": "job: " + "'" * 990_000,
    "columns": "columns:\n" + "".join(f"  c{n}: {{rule: x{n}}}\n" for n in range(9000)),
}
LIMITED = """
import resource, sys
from pathlib import Path
from bridge.settings import load
from connectors.errors import ConfigurationError
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
for name in sorted(Path(sys.argv[1]).iterdir()):
    try:
        said = load(name).problems
    except ConfigurationError as error:
        said = str(error).splitlines()
    assert said, name
    print(name.name, len(said))
"""


def test_bombs_take_little_time_and_memory(directory: Path, tmp_path: Path) -> None:
    """In a process that may not have more: a limit of CPU time, whatever else the machine does."""
    for number, (name, content) in enumerate(BOMBS.items()):
        made = Path(shutil.copytree(directory, tmp_path / name))
        file = ("bridgehead.yaml", "jobs/population.yaml")[number % 2]
        (made / file).write_text(content, "utf-8")

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))

    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), str(MEMORY_BYTES)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limited,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(BOMBS)
