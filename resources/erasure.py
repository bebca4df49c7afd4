"""Who has been erased. What stays of a member is a keyed digest of the id, so that an old file which brings the member
back is recognised, and nobody without the key can tell who it was. Taking a member out of everything is in forget.py.
"""

import hmac
import os
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ml.errors import SettingsError
from resources.database import reaching

KEY_BYTES = 32


@dataclass(frozen=True)
class Erased:
    """The erased members: their digests, and the key that makes them."""

    key: bytes
    digests: frozenset[str]

    def has(self, member_id: str) -> bool:
        return digest(self.key, member_id) in self.digests


def digest(key: bytes, member_id: str) -> str:
    """HMAC-SHA256 of the id, in hex; the same for every way to write it."""
    return hmac.new(key, normalised(member_id).encode(), "sha256").hexdigest()


def normalised(member_id: str) -> str:
    """The same for an id in other letters of case, with spaces around it, or composed otherwise."""
    return unicodedata.normalize("NFC", member_id.strip()).casefold()


def erased_members(engine: Engine, key_file: Path) -> Erased:
    """Raises SettingsError where members have been erased and the key is lost: they could not be recognised any more."""
    with reaching(engine), engine.connect() as connection:
        digests = frozenset(connection.scalars(sa.text("SELECT digest FROM live.erased")).all())
    if digests and not key_file.exists():
        raise SettingsError(
            f"{len(digests)} members have been erased and the key {key_file.name} that recognises them is not in"
            f" {key_file.parent}: put it back from its copy; without it they would be written to again"
        )
    return Erased(erasure_key(key_file), digests)


def erasure_key(key_file: Path) -> bytes:
    """The installation's own key, made when it is missing; mode 0600."""
    try:
        return bytes.fromhex(key_file.read_text().strip())
    except FileNotFoundError:
        key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = secrets.token_bytes(KEY_BYTES)
        try:
            handle = os.open(key_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return erasure_key(key_file)
        with os.fdopen(handle, "w") as file:
            file.write(key.hex() + "\n")
        return key
    except ValueError:
        raise SettingsError(f"{key_file} does not hold {KEY_BYTES} bytes in hex") from None
