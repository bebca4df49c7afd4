"""What lies in the folder of an embedded PostgreSQL: who owns what, the data, the server's settings, its log.

    <folder>/data             the data, owned by the user the server runs as
            /log              the server's log of the last seven days, without statements or their values
            /socket           where it listens; there is no TCP port
            /postgresql.conf, pg_hba.conf, pg_ident.conf    written at every start
            /starting.lock, serving.lock                    who holds them, embedded_postgres.py tells

Nothing here starts or stops a server.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ml.errors import DatabaseUnavailable
from resources.postgres_binaries import Account, Programs, cannot_become, last_words

ROLE = "hemsil"
PORT = 5432  # only a part of the socket's name
LOG_DAYS = 7

SETTINGS = """\
# Written by Hemsil at every start. Lasting changes of your own: ALTER SYSTEM SET ...
include '{view}/data/postgresql.conf'
hba_file = '{view}/pg_hba.conf'
ident_file = '{view}/pg_ident.conf'
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
fsync = on
synchronous_commit = on
full_page_writes = on
wal_recycle = off  # what an erased member's rows were written through is deleted, not kept for use again
timezone = 'UTC'
log_timezone = 'UTC'
jit = off
# Members' numbers must not reach the log: no statements, parameters or details, and no errors of statements.
logging_collector = on
log_directory = '{view}/log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_statement = 'none'
log_min_duration_statement = -1
log_parameter_max_length_on_error = 0
log_checkpoints = off
log_autovacuum_min_duration = -1
"""
HBA = "# Written by Hemsil at every start.\nlocal all all peer map=hemsil\n"


@dataclass(frozen=True)
class PostgresFolder:
    """The folder of one server."""

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def socket(self) -> Path:
        return self.path / "socket"

    def prepare(self, account: Account) -> None:
        """Make the folder and those in it that belong to the server's user. What is there already is kept."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.stat().st_uid not in (account.uid, os.geteuid()):
            raise DatabaseUnavailable(
                f"{self.path} belongs to another user: run as that user, or set another HEMSIL_HOME."
            )
        if self.path.stat().st_uid != account.uid:
            self.path.chmod(0o711)  # the server's user may pass through to what is its own, and see nothing else
        for folder in (self.log, self.socket):
            _make_for(account, folder)

    @contextmanager
    def seen_by(self, account: Account) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The folder's path in the server's words, and the file descriptors that it must inherit to follow it.

        Where root hands over to another user, that user need not be able to enter the folders above: it gets this
        folder open, and /proc/self/fd leads on from there.
        """
        if account.is_me:
            yield str(self.path), ()
            return
        if not Path("/proc/self/fd").is_dir():
            raise DatabaseUnavailable("As root, the embedded PostgreSQL needs Linux's /proc: run as an ordinary user.")
        opened = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{opened}", (opened,)
        finally:
            os.close(opened)

    def lock(self, name: str) -> int | None:
        """Take a lock of the folder and return its file descriptor, or None when somebody has it."""
        lock = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if os.geteuid() == 0:
                owner = self.path.stat()
                os.fchown(lock, owner.st_uid, owner.st_gid)  # for the day the owner comes without root
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def initialise(self, programs: Programs, view: str, keep_open: Sequence[int]) -> None:
        """Make the data where there are none: beside their place, then moved there, so that they are never half-made."""
        if (self.data / "PG_VERSION").exists():
            return
        if self.data.is_dir():
            if any(self.data.iterdir()):
                raise DatabaseUnavailable(f"{self.data} holds no PostgreSQL data but something else: move it away.")
            self.data.rmdir()
        new = self.path / "data.new"
        if new.exists():
            shutil.rmtree(new)
        _make_for(programs.account, new)
        # One order of text on every machine, whatever its C library and its locales.
        built_in = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        locale = built_in if int(programs.version().split(".")[0]) >= 17 else []
        arguments = ["--encoding=UTF8", "--locale=C", *locale, "--data-checksums", "--no-instructions"]
        arguments += [f"--username={ROLE}", "--auth-local=peer", "--auth-host=reject"]
        programs.run("initdb", arguments, data=f"{view}/data.new", keep_open=keep_open)
        new.rename(self.data)

    def check_version(self, programs: Programs) -> None:
        """Raises DatabaseUnavailable where the data were written by another major version than the programs'."""
        written_by, version = (self.data / "PG_VERSION").read_text().strip(), programs.version()
        if written_by != version.split(".")[0]:
            raise DatabaseUnavailable(
                f"The data in {self.data} were written by PostgreSQL {written_by}, and the programs in "
                f"{programs.folder} are version {version}. Set HEMSIL_PG_BIN to programs of version {written_by}, "
                f"or move {self.path} away to begin anew."
            )

    def write_settings(self, account: Account, view: str, socket: str) -> None:
        """Write the server's settings and who may connect, for the view and the socket folder in its own words."""
        # Root and the server's user may connect as any role (before PostgreSQL 16, which does not know `all` here, as
        # ours only). `nobody` may not: other programs run under that name.
        users = dict.fromkeys(user for user in ("root", account.name) if user != "nobody")
        ident = "".join(f'hemsil "{user}" {role}\n' for user in users for role in ("all", ROLE))
        quoted = view.replace("\\", "\\\\").replace("'", "''")
        texts = {
            "postgresql.conf": SETTINGS.format(view=quoted, socket=socket, port=PORT),
            "pg_hba.conf": HBA,
            "pg_ident.conf": f"# Written by Hemsil at every start.\n{ident}",
        }
        for name, text in texts.items():
            new = self.path / f"{name}.new"
            with open(new, "w", encoding="utf-8", opener=_follow_no_link) as file:
                file.write(text)
                os.fchmod(file.fileno(), 0o644)
            new.replace(self.path / name)

    def clear_traces(self) -> None:
        """Take away what a server that is dead for certain has left behind, and last week's log.

        PostgreSQL would refuse to start where the process number in such a file belongs to a stranger or a zombie.
        """
        for trace in (self.data / "postmaster.pid", *self.socket.glob(".s.PGSQL.*")):
            trace.unlink(missing_ok=True)
        for log in self.log.glob("*.log"):
            if log.stat().st_mtime < time.time() - (LOG_DAYS - 1) * 86_400:
                log.unlink()

    def end_of_log(self) -> str:
        logs = sorted(self.log.glob("*.log"), key=lambda log: log.stat().st_mtime)
        return last_words(logs[-1].read_text(errors="replace")) if logs else "(empty)"

    def cluster_name(self) -> str:
        """A name for the server's processes, by which they are told from those of other servers on this machine."""
        about = self.data.stat()
        return f"hemsil-{about.st_dev:x}-{about.st_ino:x}"

    def postmaster_pid(self) -> int | None:
        """The process number that the server has written down; whose it is by now is another question."""
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def processes(self) -> list[int]:
        """The living processes of this folder's server, zombies left out. Empty where there is no /proc."""
        if not self.data.is_dir():
            return []
        name, owner = self.cluster_name().encode(), self.data.stat().st_uid
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                # Not its working folder, which root may not look up where it lacks the right to trace others.
                words = (process / "cmdline").read_bytes()
                mine = process.stat().st_uid == owner and name in words
            except OSError:
                continue  # it has ended meanwhile
            if mine and words.split(b"\0")[0].rsplit(b"/")[-1].startswith(b"postgres"):
                found.append(int(process.name))
        return found


def _follow_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o644)


def _make_for(account: Account, folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != account.uid:
        try:
            os.chown(folder, account.uid, account.gid)
        except OSError as error:
            raise cannot_become(account, error) from error
