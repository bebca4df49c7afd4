"""Sources of a club's tables, one file a kind. Here is only the choice between them."""

from pathlib import Path

from ibis.backends.duckdb import Backend

from ml.errors import SettingsError
from resources.sources.base import ClubSource
from resources.sources.complete_journey import CompleteJourney
from resources.sources.database import DatabaseSource
from resources.sources.folder import FolderSource

__all__ = ["ClubSource", "open_source"]


def open_source(spec: str, con: Backend, timezone: str) -> ClubSource:
    """The source that `spec` (HEMSIL_SOURCE) names. Nothing of it is read yet.

    con        the engine that its tables will be expressions of
    timezone   the club's IANA time zone; a source that has its own keeps that

    Raises SettingsError when `spec` is not a source.
    """
    if spec == CompleteJourney.name:
        return CompleteJourney(con)
    if "://" in spec:
        return DatabaseSource(spec, con, timezone)
    folder = Path(spec).expanduser()
    if spec and folder.is_dir():
        return FolderSource(folder, con, timezone)
    raise SettingsError(
        f"HEMSIL_SOURCE is {spec!r}, and there is no such folder. It may be complete-journey, the path of a folder of "
        "Parquet or CSV files named as the tables, or the SQLAlchemy URL of a database that has them"
    )
