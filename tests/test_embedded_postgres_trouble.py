"""What the embedded PostgreSQL says of trouble, and which users of the machine may do what with it: real servers and users."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest
import sqlalchemy as sa

from ml.errors import DatabaseUnavailable
from resources import postgres_binaries
from resources.postgres_binaries import find_programs
from resources.postgres_folder import PostgresFolder
from tests.embedded_servers import (
    Make,
    as_root,
    fill,
    home_for_a_test,
    in_vain,
    kept_rows,
    postmaster,
    query,
    servers,
    stopped_server,
    until,
)


@pytest.fixture
def home() -> Iterator[Path]:
    with home_for_a_test() as home:
        yield home


@pytest.fixture(scope="module")
def stopped() -> Iterator[Path]:
    with stopped_server() as folder:
        yield folder


@pytest.fixture
def make(home: Path) -> Iterator[Make]:
    with servers(home) as make:
        yield make


@pytest.mark.promise("R12")
def test_the_log_tells_what_happened_without_the_values_of_statements(make: Make, stopped: Path) -> None:
    server = make(like=stopped)
    server.up()
    query(server, "create table named (name text primary key)")
    query(server, "insert into named values ('canary-1')")
    for statement in ("insert into named values ('canary-1')", "select 'canary-2'::int", "select pg_sleep('canary-3')"):
        with pytest.raises(sa.exc.DBAPIError):
            query(server, statement)
    crash = "select pg_sleep(1), 'canary-4' from named"
    client = in_vain(server, crash)
    busy = "select pid from pg_stat_activity where wait_event = 'PgSleep'"
    until(lambda: len(query(server, busy)) == 1)
    os.kill(query(server, busy)[0][0], signal.SIGKILL)
    client.join(10)
    until(server.is_up)
    log = "".join(file.read_text() for file in PostgresFolder(server.folder).log.iterdir())
    assert "was terminated by signal 9" in log
    assert "canary" not in log


# -- where it cannot work, it says so ---------------------------------------------------------------------------------


def test_data_of_another_version_are_named_with_both_versions(make: Make, stopped: Path) -> None:
    server = make(like=stopped)
    (server.folder / "data/PG_VERSION").write_text("9\n")
    with pytest.raises(DatabaseUnavailable, match=r"written by PostgreSQL 9, and the programs .* are version 1\d"):
        server.up()


def test_a_folder_without_programs_is_named_with_the_way_out(make: Make, home: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match=f"No initdb, pg_ctl and postgres in {home}.* HEMSIL_PG_BIN"):
        make(binaries=home).up()


def test_programs_that_this_system_cannot_run_are_quoted(make: Make, home: Path) -> None:
    home.chmod(0o755)
    (programs := home / "bin").mkdir()
    for name in ("initdb", "pg_ctl", "postgres"):
        (programs / name).write_text("#!/bin/sh\necho \"libc.so.6: version 'GLIBC_2.99' not found\" >&2; exit 1\n")
        (programs / name).chmod(0o755)
    with pytest.raises(DatabaseUnavailable, match=r"GLIBC_2\.99' not found\nThese programs were built for a newer"):
        make(binaries=programs).up()


def test_a_data_folder_that_holds_something_else_is_left_alone(make: Make) -> None:
    server = make()
    (server.folder / "data").mkdir(parents=True)
    (server.folder / "data/diary.txt").write_text("dear diary")
    with pytest.raises(DatabaseUnavailable, match="no PostgreSQL data but something else"):
        server.up()
    assert (server.folder / "data/diary.txt").read_text() == "dear diary"


@as_root
def test_a_full_disk_is_named_and_works_once_there_is_room(make: Make, home: Path) -> None:
    disk = home / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", disk], check=False).returncode != 0:
        pytest.skip("no right to make a small disk here")
    server = make(disk / "postgres")
    try:
        with pytest.raises(DatabaseUnavailable, match=r"No space left on device(.|\n)*Free some disk space"):
            server.up()
        subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
        server.up()
        assert query(server, "select 1") == [(1,)]
    finally:
        server.down()
        subprocess.run(["umount", disk], check=True)


# -- root and others --------------------------------------------------------------------------------------------------


@contextmanager
def somebody(name: str) -> Iterator[ProcessPoolExecutor]:
    """A process of a user of this machine; forked, as the interpreter itself may lie where that user may not look."""
    about = pwd.getpwnam(name)
    with ProcessPoolExecutor(1, get_context("fork"), become, (about.pw_uid, about.pw_gid)) as process:
        if not process.submit(os.access, find_programs(None) / "postgres", os.X_OK).result():
            pytest.skip("other users may not enter this checkout")
        yield process


def become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


@as_root
def test_an_ordinary_user_gets_a_server_of_its_own_that_root_may_use_and_start(make: Make, home: Path) -> None:
    about = pwd.getpwnam("daemon")
    os.chown(home, about.pw_uid, about.pw_gid)
    server = make()
    with somebody("daemon") as user:
        assert user.submit(server.up).result() == server.url()
        fill(server)
        assert Path(f"/proc/{postmaster(server)}").stat().st_uid == about.pw_uid
        assert server.down()
        server.up()
        assert Path(f"/proc/{postmaster(server)}").stat().st_uid == about.pw_uid
        assert user.submit(server.down).result()
        assert user.submit(server.up).result() == server.url()
        assert user.submit(kept_rows, server).result() == 1000


@as_root
def test_other_users_cannot_connect_to_the_server_of_root(make: Make, stopped: Path, home: Path) -> None:
    server = make(like=stopped)
    server.up()
    assert Path(f"/proc/{postmaster(server)}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    home.chmod(0o755)  # even where the data folder itself has been opened
    # Other programs run as nobody, too.
    for name, why in (("daemon", "Permission denied"), ("nobody", "Peer authentication failed")):
        with somebody(name) as user:
            with pytest.raises(sa.exc.OperationalError, match=why):
                user.submit(query, server, "select 1").result()
            with pytest.raises(DatabaseUnavailable, match="belongs to another user"):
                user.submit(server.up).result()


@as_root
def test_programs_that_only_root_may_read_are_copied_for_the_server(make: Make, home: Path, stopped: Path) -> None:
    found = find_programs(None)
    package = found.parent.parent
    for part in (found.parent, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, home / part.relative_to(package.parent), ignore=shutil.ignore_patterns("*.a", "*.h"))
    before = set(postgres_binaries.COPIES.glob("*"))
    server = make(binaries=home / found.relative_to(package.parent), like=stopped)
    try:
        for _ in range(2):
            server.up()
            assert kept_rows(server) == 1000
            server.down()
        assert len(set(postgres_binaries.COPIES.glob("*")) - before) == 1
    finally:
        server.down()
        for copy in set(postgres_binaries.COPIES.glob("*")) - before:
            shutil.rmtree(copy)
