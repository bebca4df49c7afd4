"""Sources of a club's tables, one file a kind. Here is only the choice between them."""

from dataclasses import dataclass
from pathlib import Path

from ibis.backends.duckdb import Backend

from ml.errors import SettingsError
from resources.sources.base import ClubSource
from resources.sources.complete_journey import CompleteJourney
from resources.sources.database import DatabaseSource
from resources.sources.folder import FolderSource
from resources.sources.simulated import SimulatedSource
from simulator.club import InventedClub

__all__ = ["ClubSource", "Invented", "open_source"]


@dataclass(frozen=True)
class Invented:
    """The club that HEMSIL_SOURCE=simulated means, and the folder in which its tables are kept."""

    club: InventedClub
    kept_in: Path


def open_source(spec: str, con: Backend, timezone: str, invented: Invented | None = None) -> ClubSource:
    """The source that `spec` (HEMSIL_SOURCE) names. Nothing of it is read yet.

    con        the engine that its tables will be expressions of
    timezone   the club's IANA time zone; a source that has its own keeps that
    invented   what `simulated` means; without it there is no such source

    Raises SettingsError when `spec` is not a source.
    """
    if spec == CompleteJourney.name:
        return CompleteJourney(con)
    if spec == SimulatedSource.name and invented:
        return SimulatedSource(invented.club, invented.kept_in, con, timezone)
    if "://" in spec:
        return DatabaseSource(spec, con, timezone)
    folder = Path(spec).expanduser()
    if spec and folder.is_dir():
        return FolderSource(folder, con, timezone)
    raise SettingsError(
        f"the source (HEMSIL_SOURCE) is {spec!r}, and there is no such folder. It may be complete-journey, simulated, the path of a folder of "
        "Parquet or CSV files named as the tables, or the SQLAlchemy URL of a database that has them"
    )
