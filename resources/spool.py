"""Files that a night writes to look at them before it keeps them. They name members, so none is left behind: each is deleted when it
has been read, and one that a killed night left goes with the next night, or with an erasure.
"""

import time
import uuid
from pathlib import Path

LEFT_BEHIND = 3_600.0  # seconds without a change after which nobody is writing it any more


def spool_file(home: Path, older_than: float = LEFT_BEHIND) -> Path:
    """A new place for a file, once those left behind are gone."""
    clear_spool(home, older_than)
    folder = home / "spool"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{uuid.uuid4().hex}.parquet"


def clear_spool(home: Path, older_than: float = LEFT_BEHIND) -> int:
    """Delete what was left behind; gives how many files that were."""
    left = [path for path in (home / "spool").glob("*.parquet") if time.time() - path.stat().st_mtime > older_than]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)
