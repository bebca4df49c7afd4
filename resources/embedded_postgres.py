"""The embedded PostgreSQL: start it or attach to it, stop it, and say where it is. What lies in its folder is told in
postgres_folder.py, its programs are run by postgres_binaries.py, and what is in the database is no business of these.

Several processes share one server, and it outlives them all. Two locks in its folder keep them apart:

    starting.lock    held while one process starts or stops the server
    serving.lock     held by the server and its children, who inherit it, as long as one of them lives

So whether it lives is told by the kernel and not by a process number in a file: numbers are used again, and a killed
process may stay behind as a zombie.
"""

import hashlib
import os
import re
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2.errors import DuplicateDatabase, UniqueViolation
from psycopg2.extensions import connection

from ml.errors import DatabaseUnavailable
from resources.postgres_binaries import Account, Programs, account_for
from resources.postgres_folder import PORT, ROLE, PostgresFolder

DATABASE = "hemsil"
START_WITHIN_S = 120.0  # recovery after a crash takes its time
START_ATTEMPTS = 3  # a server may be killed while it starts
STOP_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0))  # send clients away; then at once, to recover later
LONGEST_SOCKET_PATH = 103  # bytes; Linux takes 107, macOS 103
SHORT_NAMES = Path("/var/tmp")


class DidNotStart(DatabaseUnavailable):
    """A server was started and has ended, or is not ready in time."""


@dataclass(frozen=True)
class EmbeddedPostgres:
    """One PostgreSQL server for one folder.

    folder    everything of the server's; made when missing
    binaries  folder with initdb, pg_ctl and postgres; None: the installed wheel's, else Debian's newest
    """

    folder: Path
    binaries: Path | None = None

    def up(self) -> str:
        """Start the server, or attach to the one that runs, and return its URL once queries work.

        Any number of processes may call it at once. Raises DatabaseUnavailable, which says what to do about it.
        """
        try:
            self._shorten_name()
            if self._refusal(DATABASE) is None:
                return self.url()
            account = account_for(self._place.path)
            self._place.prepare(account)
            deadline = time.monotonic() + START_WITHIN_S
            attempts = 0
            with self._one_at_a_time(deadline):
                while (refusal := self._refusal(DATABASE)) is not None:
                    if time.monotonic() > deadline:
                        raise DatabaseUnavailable(f"The PostgreSQL in {self.folder} does not answer: {refusal}")
                    try:
                        self._step_towards_an_answer(account, refusal, deadline)
                    except DidNotStart:
                        attempts += 1
                        if attempts == START_ATTEMPTS:
                            raise
        except (OSError, psycopg2.Error) as error:
            raise DatabaseUnavailable(f"The embedded PostgreSQL in {self.folder} cannot start: {error}") from error
        return self.url()

    def down(self) -> bool:
        """Stop the server and wait for its end; open transactions are rolled back. False when it was not running.

        Raises DatabaseUnavailable where it does not stop.
        """
        try:
            if not self._place.data.is_dir():
                return False
            with self._one_at_a_time(time.monotonic() + START_WITHIN_S):
                return self._stop()
        except OSError as error:
            raise DatabaseUnavailable(f"The embedded PostgreSQL in {self.folder} cannot be stopped: {error}") from error

    def url(self) -> str:
        """The SQLAlchemy URL of the database, whether the server runs or not. No character in it needs escaping."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={self._socket_folder}&port={PORT}"

    def is_up(self) -> bool:
        """Whether queries work right now."""
        return self._refusal("postgres") is None

    @property
    def _place(self) -> PostgresFolder:
        return PostgresFolder(self.folder.absolute())

    # -- where clients connect ------------------------------------------------------------------------------------

    @property
    def _socket_folder(self) -> Path:
        """The socket's folder, or a short name for it where its own is too long or would need escaping in a URL."""
        own = self._place.socket
        plain = re.fullmatch(r"[A-Za-z0-9/._-]+", str(own))
        if plain and len(f"{own}/.s.PGSQL.{PORT}") <= LONGEST_SOCKET_PATH:
            return own
        told_apart_by = hashlib.sha256(os.fsencode(own)).hexdigest()[:16]
        return SHORT_NAMES / f"hemsil-{os.geteuid()}-{told_apart_by}"

    def _shorten_name(self) -> None:
        """Make the short name, a link, where one is needed. It is only believed when it is ours and leads home."""
        own, short = self._place.socket, self._socket_folder
        if short == own:
            return
        try:
            short.symlink_to(own)
        except FileExistsError:
            if short.lstat().st_uid != os.geteuid() or not short.is_symlink() or short.readlink() != own:
                raise DatabaseUnavailable(
                    f"{short} should be a link to {own} and is something else: have it removed, or choose a "
                    "HEMSIL_HOME with a shorter path."
                ) from None

    def _connect(self, database: str) -> connection:
        host = str(self._socket_folder)
        return psycopg2.connect(host=host, port=PORT, user=ROLE, dbname=database, connect_timeout=2)

    def _refusal(self, database: str) -> str | None:
        """Why a query cannot be made just now; None when one was made."""
        try:
            with closing(self._connect(database)) as client:
                client.cursor().execute("select 1")
        except psycopg2.OperationalError as error:
            return str(error).strip()
        return None

    def _create_database(self) -> None:
        try:
            with closing(self._connect("postgres")) as client:
                client.autocommit = True
                client.cursor().execute(f'create database "{DATABASE}"')
        except (DuplicateDatabase, UniqueViolation):
            pass  # for a process that was killed meanwhile, the server has just made it
        except psycopg2.OperationalError as error:
            if error.pgcode and not error.pgcode.startswith("57P"):
                raise  # such as a full disk; all else is a server that ended meanwhile, and the caller comes again

    # -- starting and stopping, with starting.lock held -----------------------------------------------------------

    def _step_towards_an_answer(self, account: Account, refusal: str, deadline: float) -> None:
        """Create the database where only that is missing, start a server where none lives, else give it a moment."""
        if self.is_up():
            self._create_database()
            return
        answered = "FATAL" in refusal  # the server's word, such as "the database system is starting up"
        serving = None if answered else self._place.lock("serving.lock")
        if serving is None:
            self._end_orphans()
            time.sleep(0.05)
            return
        try:
            self._start(account, serving, deadline)
        finally:
            os.close(serving)  # the server has inherited it, and with it the lock

    def _start(self, account: Account, serving: int, deadline: float) -> None:
        place = self._place
        programs = Programs.ready(self.binaries, account)
        with place.seen_by(account) as (view, passed):
            keep_open = (serving, *passed)
            place.initialise(programs, view, keep_open)
            place.check_version(programs)
            place.clear_traces()
            place.write_settings(account, view, str(self._socket_folder) if account.is_me else f"{view}/socket")
            options = ["-c", f"config_file={view}/postgresql.conf", "-c", f"cluster_name={place.cluster_name()}"]
            patience = max(1, round(deadline - time.monotonic()))
            arguments = ["start", "--wait", "--silent", f"--timeout={patience}", f"--options={shlex.join(options)}"]
            try:
                programs.run("pg_ctl", arguments, data=f"{view}/data", keep_open=keep_open)
            except DatabaseUnavailable as error:
                raise DidNotStart(f"{error}\nThe end of {place.log}:\n{place.end_of_log()}") from error

    def _stop(self) -> bool:
        place = self._place
        pid = place.postmaster_pid()
        running = pid is not None and self._is_ours(pid)
        if not running:
            self._end_orphans()
        for step, patience in STOP_STEPS:
            if pid is not None and running:
                _send(pid, step)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if self._nobody_serves() and not place.processes():
                    return running
                time.sleep(0.02)
        raise DatabaseUnavailable(f"The PostgreSQL in {self.folder} does not stop (process {pid}).")

    def _is_ours(self, pid: int) -> bool:
        """Whether the process of that number is our server. Where there is no /proc to look it up, the lock tells."""
        if Path("/proc/self").exists():
            return pid in self._place.processes()
        return not self._nobody_serves()

    def _end_orphans(self) -> None:
        """End what a killed server has left: a process in a long query does not notice that its server is gone."""
        living = self._place.processes()
        if self._place.postmaster_pid() not in living:
            for pid in living:
                _send(pid, signal.SIGQUIT)

    def _nobody_serves(self) -> bool:
        lock = self._place.lock("serving.lock")
        if lock is not None:
            os.close(lock)
        return lock is not None

    @contextmanager
    def _one_at_a_time(self, deadline: float) -> Iterator[None]:
        while (lock := self._place.lock("starting.lock")) is None:
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"Another process holds {self.folder / 'starting.lock'} and does not let go.")
            time.sleep(0.05)
        try:
            yield
        finally:
            os.close(lock)


def _send(pid: int, message: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended meanwhile
        os.kill(pid, message)
