"""The embedded PostgreSQL against what happens to it: real servers, real processes, real kills."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path

import pytest
import sqlalchemy as sa

from ml.errors import DatabaseUnavailable
from resources import postgres_binaries
from resources.embedded_postgres import EmbeddedPostgres
from resources.postgres_binaries import find_programs
from resources.postgres_folder import PostgresFolder

CHECKOUT = Path(__file__).resolve().parent.parent
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
Make = Callable[..., EmbeddedPostgres]

# What a process of its own does with a folder: bring the server up, say so, and stay until it is killed.
OWNER = """
import sys, time
from pathlib import Path
from resources.embedded_postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).up(), flush=True)
time.sleep(float(sys.argv[2]))
"""


def new_home() -> Path:
    """A data folder that only its owner may enter, as HEMSIL_HOME is, on a path short enough for a socket.

    In memory where there is a disk for that: these tests write some hundred megabytes and wait for every one of them.
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30
    return Path(tempfile.mkdtemp(prefix="hemsil-", dir=memory if roomy else None))


@pytest.fixture
def home() -> Iterator[Path]:
    home = new_home()
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def stopped() -> Iterator[Path]:
    """The folder of a server that was started once and stopped, with the table `kept` of 1000 rows in it."""
    home = new_home()
    server = EmbeddedPostgres(home / "postgres")
    try:
        server.up()
        query(server, "create table kept as select generate_series(1, 1000) as row")
        server.down()
        yield server.folder
    finally:
        server.down()
        shutil.rmtree(home)


@pytest.fixture
def make(home: Path) -> Iterator[Make]:
    """Makes servers, none of which outlives the test. `like` is a folder to begin with a copy of."""
    made: list[EmbeddedPostgres] = []

    def make(
        folder: Path = home / "postgres", binaries: Path | None = None, like: Path | None = None
    ) -> EmbeddedPostgres:
        if like:
            subprocess.run(["cp", "-a", like, folder], check=True)
        made.append(EmbeddedPostgres(folder, binaries))
        return made[-1]

    yield make
    for server in made:
        server.down()
        for pid in PostgresFolder(server.folder).processes():
            os.kill(pid, signal.SIGKILL)
        if server._socket_folder.is_symlink():
            server._socket_folder.unlink()


def query(server: EmbeddedPostgres, text: str) -> list[tuple]:
    """The rows of a query in a connection of its own; what it changes is kept."""
    engine = sa.create_engine(server.url(), poolclass=sa.NullPool)
    with engine.begin() as connection:
        result = connection.execute(sa.text(text))
        return [tuple(row) for row in result] if result.returns_rows else []


def in_vain(server: EmbeddedPostgres, text: str) -> threading.Thread:
    """A client of its own with a query that is to break off."""

    def ask() -> None:
        with suppress(sa.exc.DBAPIError):
            query(server, text)
            raise AssertionError("the query was answered")

    client = threading.Thread(target=ask)
    client.start()
    return client


def kept_rows(server: EmbeddedPostgres) -> int:
    return query(server, "select count(*) from kept")[0][0]


def fill(server: EmbeddedPostgres) -> None:
    query(server, "create table kept as select generate_series(1, 1000) as row")


def postmaster(server: EmbeddedPostgres) -> int:
    pid = PostgresFolder(server.folder).postmaster_pid()
    assert pid is not None
    return pid


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def owner(folder: Path, seconds: float = 60) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", OWNER, str(folder), str(seconds)]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, start_new_session=True)


def end(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_up_twice_is_one_server_and_down_ends_it(make: Make, home: Path) -> None:
    server = make()
    assert not server.is_up()
    assert not server.down()
    url = server.up()
    first = postmaster(server)
    assert server.is_up()
    assert (server.up(), server.url(), postmaster(server)) == (url, url, first)
    fill(server)

    assert server.down()
    assert not server.is_up()
    assert not server.down()
    assert PostgresFolder(server.folder).processes() == []

    assert server.up() == url
    assert kept_rows(server) == 1000
    assert home.stat().st_mode & 0o777 == 0o700  # nothing above the server's own folder was opened for it


def test_it_is_set_up_to_keep_data_and_to_listen_to_nobody_else(make: Make) -> None:
    server = make()
    server.up()
    wanted = {
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "fsync": "on",
        "TimeZone": "UTC",
        "listen_addresses": "",
        "max_connections": "100",
        "shared_buffers": "128MB",
    }
    assert {name: query(server, f"show {name}")[0][0] for name in wanted} == wanted
    assert query(server, "select current_database(), lower('ÆØÅ'), 'a' < 'B'") == [("hemsil", "æøå", False)]


def test_after_kill_9_of_the_server_the_next_call_finds_all_rows(make: Make, stopped: Path) -> None:
    server = make(like=stopped)
    server.up()
    os.kill(postmaster(server), signal.SIGKILL)
    server.up()
    assert kept_rows(server) == 1000


def test_a_query_that_outlives_the_killed_server_does_not_block_the_next(make: Make, stopped: Path) -> None:
    server = make(like=stopped)
    server.up()
    # Counting waits for nothing, so its process would not notice for hours that the server is gone.
    endless = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b"
    client = in_vain(server, endless)
    active = "select count(*) from pg_stat_activity where state = 'active' and query like '%1000000) b'"
    until(lambda: query(server, active)[0][0] == 1)

    os.kill(postmaster(server), signal.SIGKILL)
    server.up()
    assert kept_rows(server) == 1000
    client.join(5)
    assert not client.is_alive()


def test_the_server_outlives_its_killed_owner(make: Make, stopped: Path) -> None:
    server = make(like=stopped)
    process = owner(server.folder)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == server.url()
    first = postmaster(server)
    assert os.getsid(first) != os.getsid(process.pid)  # so Ctrl-C in the owner's terminal does not reach it
    end(process)
    assert server.is_up()
    server.up()
    assert (postmaster(server), kept_rows(server)) == (first, 1000)


@pytest.mark.parametrize("after_s", [0.3, 0.7])
def test_an_owner_killed_in_the_middle_of_the_first_start_leaves_nothing_half_made(make: Make, after_s: float) -> None:
    server = make()
    process = owner(server.folder)
    time.sleep(after_s)
    end(process)
    server.up()
    fill(server)
    assert kept_rows(server) == 1000
    assert not (server.folder / "data.new").exists()


def test_a_pid_file_that_names_a_living_stranger_is_not_believed(make: Make, stopped: Path) -> None:
    server = make(like=stopped)
    server.up()
    lines = (server.folder / "data/postmaster.pid").read_text().splitlines()
    about = (server.folder / "data").stat()
    server.down()
    # Of the same user as the server: PostgreSQL itself would take it for a living server for ever.
    as_server = {"user": about.st_uid, "group": about.st_gid} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "60"], **as_server) as stranger:
        try:
            for trace in ("data/postmaster.pid", "socket/.s.PGSQL.5432.lock"):
                (server.folder / trace).write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            assert not server.down()
            server.up()
            assert kept_rows(server) == 1000
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_processes_that_come_at_once_to_a_fresh_folder_share_one_server(make: Make) -> None:
    server = make()
    processes = [owner(server.folder, seconds=0) for _ in range(4)]
    told = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert told == [server.url()] * 4
    log = "".join(file.read_text() for file in PostgresFolder(server.folder).log.iterdir())
    assert log.count("starting PostgreSQL") == 1


@pytest.mark.parametrize("name", ["a" * 120, "Håkons 'data' & $HOME, 100%"], ids=["long", "odd characters"])
def test_a_path_that_does_not_fit_into_a_socket_address_or_a_url(
    make: Make, home: Path, stopped: Path, name: str
) -> None:
    (home / name).mkdir()
    server = make(home / name / "postgres", like=stopped)
    process = owner(server.folder, seconds=0)
    assert process.communicate(timeout=60)[0].strip() == server.url()  # another process finds the same name
    assert len(server.url()) < 120
    assert query(server, "select 1") == [(1,)]
    server._socket_folder.unlink()  # as a sweep of old temporary files would
    server.up()
    assert query(server, "select 1") == [(1,)]


def test_a_short_name_that_somebody_else_took_is_not_followed(make: Make, home: Path) -> None:
    server = make(home / ("a" * 120) / "postgres")
    server._socket_folder.symlink_to(home / "of somebody else")
    with pytest.raises(DatabaseUnavailable, match="should be a link to"):
        server.up()


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
