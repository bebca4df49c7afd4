"""A night's decision from what the lake holds of it. What is decided, and how, is in ml/decide.py."""

from datetime import datetime

import ibis.expr.types as ir

from ml.decide import decide
from ml.lake_tables import ASKS, QUARANTINE, SCORES
from ml.night import Night
from ml.policy import Policy
from ml.quarantine import doubts
from ml.source_tables import CONSENTS
from resources.platform import Platform
from resources.sources.base import Delivered

HEARD_UNTIL = "heard_until"  # the note beside the lake's consents


def consents_heard_until(platform: Platform, night: Night) -> datetime | None:
    """Up to when the consents are complete, at most the night's own instant: when the source handed them over.

    None, which counts as the night's own, for a night that is history (a replay has all there will be) and for a source that
    cannot tell.
    """
    source = platform.source
    if not platform.is_tonight(night) or not isinstance(source, Delivered):
        return None
    at = source.delivered().get(CONSENTS.name)
    return min(at, night.as_of) if at else None


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
        consents_until=consents_told(platform, night),
    )


def consents_told(platform: Platform, night: Night) -> datetime | None:
    """How far the consents in the lake reach, as noted when they were read; None where the source could not tell."""
    heard = platform.lake.manifest(CONSENTS.name, night.key).notes.get(HEARD_UNTIL)
    return datetime.fromisoformat(heard) if heard else None
