"""A whole installation in a folder of its own, driven as its users drive it: by the command line (in this process or in one
of its own) and by SQL. What is expected of it is in the tests.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg2
import pytest

from resources.embedded_postgres import EmbeddedPostgres
from resources.settings import TOOL_ENVIRONMENT, Settings
from tests.clubs import write_csv_club
from tests.small_club import POLICY

HEMSIL = Path(sys.executable).parent / "hemsil"


@dataclass(frozen=True)
class Answer:
    """What a command said: its exit code, and its text with every run of white space as one blank, as terminals wrap."""

    code: int
    text: str


@dataclass(frozen=True)
class Installation:
    """A data folder, a club and a policy. `more` are HEMSIL_ variables beside those."""

    folder: Path
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def variables(self) -> dict[str, str]:
        return {
            "HEMSIL_HOME": str(self.home),
            "HEMSIL_SOURCE": str(self.folder / "club"),
            "HEMSIL_POLICY": str(self.folder / "policy.toml"),
            "HEMSIL_THREADS": "2",
            "HEMSIL_MEMORY_LIMIT": "2GB",
            "COLUMNS": "200",
            **self.more,
        }

    @property
    def settings(self) -> Settings:
        return Settings(
            **{
                name.removeprefix("HEMSIL_").lower(): v
                for name, v in self.variables.items()
                if name.startswith("HEMSIL_")
            }
        )

    @property
    def url(self) -> str:
        """Its database; started if it is the embedded one."""
        return self.settings.database_url or EmbeddedPostgres(self.home / "postgres").up()

    def hand_in(self, frames: Mapping[str, pd.DataFrame], policy: str = POLICY) -> None:
        """Put a club's tables in the place of any before them, and a policy."""
        shutil.rmtree(self.folder / "club", ignore_errors=True)
        write_csv_club(self.folder / "club", frames)
        (self.folder / "policy.toml").write_text(policy)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(query, values or None)
                return cursor.fetchall()
        finally:
            connection.close()

    def one(self, query: str, *values: object) -> Any:
        """The only value of a query."""
        [(value,)] = self.rows(query, *values)
        return value

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`hemsil ...` as a process of its own; stderr goes with stdout."""
        environment = {n: v for n, v in os.environ.items() if not n.startswith(("HEMSIL_", "DAGSTER_"))}
        return subprocess.Popen(
            [str(HEMSIL), *arguments],
            env=environment | TOOL_ENVIRONMENT | self.variables,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, timeout: float = 280) -> Answer:
        """`hemsil ...` as a process of its own, to its end."""
        process = self.start(*arguments)
        try:
            said, _ = process.communicate(timeout=timeout)
        finally:
            process.kill()
        return Answer(process.returncode, _one_line(said))

    def call(self, *arguments: str) -> Answer:
        """`hemsil ...` in this process, which saves the seconds of importing everything anew."""
        from hemsil.main import run

        with self.as_environment() as patch, (self.folder / "said.txt").open("w+") as said:
            patch.setattr(sys, "argv", ["hemsil", *arguments])
            with redirect_stdout(said), redirect_stderr(said):
                code = run()
            said.seek(0)
            return Answer(code, _one_line(said.read()))

    @contextmanager
    def as_environment(self) -> Iterator[pytest.MonkeyPatch]:
        """This process sees the installation's variables meanwhile."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.variables, "DAGSTER_HOME": str(self.settings.dagster_home)}.items():
                patch.setenv(name, value)
            yield patch


@contextmanager
def installation(more: Mapping[str, str] | None = None) -> Iterator[Installation]:
    """An empty one, which goes away with its server."""
    folder = Path(tempfile.mkdtemp(prefix="hemsil-night-"))
    folder.chmod(0o755)  # the embedded PostgreSQL's user must come through
    made = Installation(folder, more or {})
    try:
        yield made
    finally:
        EmbeddedPostgres(made.home / "postgres").down()
        shutil.rmtree(folder, ignore_errors=True)


def _one_line(said: str) -> str:
    return re.sub(r"\s+", " ", said)
