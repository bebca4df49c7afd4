"""The invented club as a source: its tables are written once to the data folder, and then read as any club's folder is."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

import simulator
from resources.sources.folder import FolderSource
from resources.table_files import TableFiles
from simulator.club import InventedClub
from simulator.plan import day_of
from simulator.tables import block_tables

BACKTEST_WEEKS = 12


class SimulatedSource:
    """A club that never was. Its last Monday is its last night; what its members truly wanted is not among the tables."""

    name = "simulated"
    last_date: date | None = day_of(0)
    note = "The club is invented: hemsil simulate writes its tables, and the truth about its members beside them."

    def __init__(self, club: InventedClub, kept_in: Path, con: Backend, timezone: str):
        """kept_in = folder for the tables of invented clubs, of which each has a folder of its own."""
        self._club = club
        self._folder = kept_in / f"{club.members}-members-seed-{club.seed}-weeks-{club.weeks}-{_laws()}"
        self._files = FolderSource(self._folder, con, timezone)
        self.timezone = timezone
        self.first_date: date | None = day_of(1 - club.weeks)
        self.backtest_from: date | None = day_of(-min(BACKTEST_WEEKS, club.weeks // 2))

    def default_business_date(self, today: date) -> date:
        return min(day_of(0), today)

    def delivered(self) -> Mapping[str, datetime]:
        return {}  # every night of it is history, and its consents are those of its own time

    def tables(self) -> dict[str, ir.Table]:
        """See `ClubSource.tables`. The first time they are invented, a block of members at a time."""
        if not self._folder.exists():
            write_tables(self._club, self._folder)
        return self._files.tables()

    def origins(self) -> Mapping[str, str]:
        return self._files.origins()


def write_tables(club: InventedClub, folder: Path) -> None:
    """Write the club's tables to a folder that is not there yet."""
    with TableFiles(folder) as files:
        files.append(club.shared_tables())
        for lived in club.blocks():
            files.append(block_tables(lived))


def _laws() -> str:
    """Eight digits of the simulator's own code: tables that an earlier simulator wrote are not taken for this one's."""
    files = sorted(Path(simulator.__path__[0]).glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]
