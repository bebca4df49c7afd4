"""`hemsil simulate`: the invented club written to files, with the truth about its members beside them."""

from pathlib import Path

from rich.console import Console
from rich.progress import track

from ml.errors import SettingsError
from resources.table_files import TableFiles
from simulator.club import InventedClub
from simulator.tables import block_tables
from simulator.truth import live_and_tell

TABLES, TRUTH = "tables", "truth"


def write_club(club: InventedClub, folder: Path, console: Console) -> None:
    """Write TABLES and TRUTH into the folder. Raises SettingsError where either is there already, or it cannot be written."""
    there = [name for name in (TABLES, TRUTH) if (folder / name).exists()]
    if there:
        raise SettingsError(f"--to {folder}: it has {' and '.join(there)} already; nothing is written over them")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TableFiles(folder / TABLES) as tables, TableFiles(folder / TRUTH) as truth:
            tables.append(club.shared_tables())
            for block in track(range(club.block_count), "members", console=console, transient=True):
                lived, told = live_and_tell(club, block)
                tables.append(block_tables(lived))
                truth.append(told)
    except OSError as error:
        raise SettingsError(f"--to {folder}: it cannot be written: {error.strerror}") from None
    console.print(f"{club.members:,} members, {club.weeks} weeks: {folder / TABLES}", soft_wrap=True)
    console.print(f"what they truly wanted: {folder / TRUTH}", soft_wrap=True)
    console.print(f"one night of it: HEMSIL_SOURCE={folder / TABLES} hemsil nightly", soft_wrap=True)
