"""The models that nights have scored with, kept in the data folder beside the registry, so that a night without MLflow, or with a
damaged artifact, still has the last one that was good. Every file's sha256 is checked again when it is read.
"""

import hashlib
import json
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from ml.errors import DamagedModel
from ml.model import refuse_other_format
from resources.registry import BUSINESS_DATE, Registered

KEPT = 3
_MANIFEST = "model.json"


@dataclass(frozen=True)
class KeptModels:
    """A folder of models of one club, one subfolder a version. No member is named in any file."""

    folder: Path

    def keep(self, model: Registered) -> None:
        """Keep a copy, and the newest ones of those there were. A copy is there whole or not at all."""
        place = self.folder / model.version
        if self._read(place) is not None:
            return
        beside = self.folder / f".{model.version}.{uuid.uuid4().hex[:8]}"
        beside.mkdir(parents=True, mode=0o700)
        try:
            for name, content in model.files.items():
                (beside / name).write_bytes(content)
            digests = {name: hashlib.sha256(content).hexdigest() for name, content in model.files.items()}
            told = {"version": model.version, "run_id": model.run_id, "tags": dict(model.tags), "sha256": digests}
            (beside / _MANIFEST).write_text(json.dumps(told, indent=1))
            shutil.rmtree(place, ignore_errors=True)
            os.replace(beside, place)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        for old in self._places()[:-KEPT]:
            shutil.rmtree(old)

    def newest(self, business_date: str, besides: str = "") -> Registered | None:
        """The newest version that was trained for that date or an earlier one and is undamaged, and is not `besides`; None when
        there is none."""
        found = (self._read(place) for place in reversed(self._places()) if place.name != besides)
        return next((m for m in found if m is not None and m.tags[BUSINESS_DATE] <= business_date), None)

    def forget(self, version: str) -> None:
        """Let a version go, because it was rolled back."""
        shutil.rmtree(self.folder / version, ignore_errors=True)

    def _places(self) -> list[Path]:
        """The versions, oldest first."""
        return sorted((p for p in self.folder.glob("*") if p.name.isdigit()), key=lambda p: int(p.name))

    @staticmethod
    def _read(place: Path) -> Registered | None:
        try:
            told = json.loads((place / _MANIFEST).read_text())
            files = {name: (place / name).read_bytes() for name in told["sha256"]}
            whole = all(hashlib.sha256(files[name]).hexdigest() == digest for name, digest in told["sha256"].items())
            refuse_other_format(files)
            return Registered(told["version"], told["run_id"], files, told["tags"]) if files and whole else None
        except (OSError, ValueError, KeyError, TypeError, DamagedModel):
            return None
