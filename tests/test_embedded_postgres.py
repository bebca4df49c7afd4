"""The embedded PostgreSQL against what happens to it: real servers, real processes, real kills."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.errors import DatabaseUnavailable
from resources.postgres_folder import PostgresFolder
from tests.embedded_servers import (
    Make,
    end,
    fill,
    home_for_a_test,
    in_vain,
    kept_rows,
    owner,
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
