"""Which code made a table or a model: a digest of the core's own source, the same in a checkout and in an install."""

import hashlib
from functools import cache
from pathlib import Path

import ml


@cache
def code_version() -> str:
    """Twelve hex digits that change whenever a file of ml/ does."""
    digest = hashlib.sha256()
    for path in sorted(Path(ml.__path__[0]).glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
