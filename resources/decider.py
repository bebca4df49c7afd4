"""A night's decision from what the lake holds of it. What is decided, and how, is in ml/decide.py."""

import ibis.expr.types as ir

from ml.decide import decide
from ml.lake_tables import ASKS, QUARANTINE, SCORES
from ml.night import Night
from ml.policy import Policy
from ml.quarantine import doubts
from resources.platform import Platform


def decide_night(
    platform: Platform,
    night: Night,
    policy: Policy,
    *,
    asks: ir.Table | None = None,
    scores: ir.Table | None = None,
    quarantine: ir.Table | None = None,
) -> ir.Table:
    """The ledger of a night by a policy, from its stored scores and their threshold; tables not given are read from the
    lake. Raises NotInLake, DamagedTable, PolicyError."""
    lake = platform.lake
    notes = lake.manifest(SCORES.name, night.key).notes
    unread = lake.read(QUARANTINE, night.key) if quarantine is None else quarantine
    return decide(
        platform.club(night),
        night,
        lake.read(SCORES, night.key) if scores is None else scores,
        policy,
        threshold=float(notes["threshold"]) if notes["threshold"] else None,
        asks=lake.read(ASKS, night.key) if asks is None else asks,
        model_version=notes["model_version"],
        doubts=doubts(unread),
    )
