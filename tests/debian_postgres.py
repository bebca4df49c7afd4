"""A PostgreSQL that somebody else runs: Debian's where it is installed, else the wheel's, over TCP, with passwords. Only
the way of not being root is Hemsil's own.
"""

import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2

from resources.postgres_binaries import Programs, account_for

ADMIN = "chief"


@dataclass(frozen=True)
class Account:
    """A user who owns a database, and is nothing else."""

    url: str
    password: str


@dataclass(frozen=True)
class ForeignServer:
    """A running server on a port of 127.0.0.1."""

    port: int
    password: str

    def new_account(self, name: str) -> Account:
        """A database and its owner, who may make neither roles nor databases. The password needs quoting in a URL."""
        password = f"p@ss/{secrets.token_hex(8)}%:"
        admin = psycopg2.connect(
            host="127.0.0.1", port=self.port, user=ADMIN, password=self.password, dbname="postgres"
        )
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD %s", (password,))
            cursor.execute(f"CREATE DATABASE {name} OWNER {name}")
        admin.close()
        return Account(f"postgresql://{name}:{quote(password, safe='')}@127.0.0.1:{self.port}/{name}", password)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def foreign_server() -> Iterator[ForeignServer]:
    """Up while the block runs, as a user who is not root."""
    folder = Path(tempfile.mkdtemp(prefix="foreign-pg-"))
    folder.chmod(0o755)
    (folder / "password").write_text(password := secrets.token_hex(16))
    server = ForeignServer(free_port(), password)
    account = account_for(folder)
    for path in (folder, folder / "password"):
        os.chown(path, account.uid, account.gid)
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    programs = Programs.ready(debian[-1] if debian else None, account)
    data = str(folder / "data")
    try:
        who = ["-U", ADMIN, "-A", "scram-sha-256", "--pwfile", str(folder / "password")]
        programs.run("initdb", [*who, "-E", "UTF8", "--no-sync"], data=data)
        where = f"-c listen_addresses=127.0.0.1 -c port={server.port} -c unix_socket_directories='' -c fsync=off"
        programs.run("pg_ctl", ["-w", "-l", str(folder / "log"), "-o", where, "start"], data=data)
        try:
            yield server
        finally:
            programs.run("pg_ctl", ["-w", "-m", "immediate", "stop"], data=data)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
