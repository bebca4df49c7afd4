"""Servers for the tests of the embedded PostgreSQL: folders, processes and queries of their own. The tests are in
test_embedded_postgres.py and test_embedded_postgres_trouble.py."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from resources.embedded_postgres import EmbeddedPostgres
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


@contextmanager
def home_for_a_test() -> Iterator[Path]:
    home = new_home()
    yield home
    shutil.rmtree(home, ignore_errors=True)


@contextmanager
def stopped_server() -> Iterator[Path]:
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


@contextmanager
def servers(home: Path) -> Iterator[Make]:
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
