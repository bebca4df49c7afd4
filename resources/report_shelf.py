"""How long the nights' HTML reports are kept."""

import shutil
from datetime import date
from pathlib import Path


def prune_reports(folder: Path, keep: int) -> int:
    """Delete all but the newest `keep` folders that are named as business dates; gives how many went. Others stay."""
    dated = sorted(path for path in folder.glob("????-??-??") if path.is_dir() and _is_date(path.name))
    old = dated[:-keep]
    for path in old:
        shutil.rmtree(path)
    return len(old)


def _is_date(name: str) -> bool:
    try:
        date.fromisoformat(name)
    except ValueError:
        return False
    return True
