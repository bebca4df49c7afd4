"""A night's decision from what the lake holds of it. What is decided, and how, is in ml/decide.py."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import ibis.expr.types as ir

from ml.basis import Explain, Wide
from ml.club import Club
from ml.decide import decide
from ml.decision_lists import offer_table, suppression_list
from ml.lake_tables import ASKS, DECISIONS, QUARANTINE, SCORES
from ml.night import Night
from ml.policy import Policy
from ml.quarantine import doubts
from ml.shards import WHOLE, Shard
from ml.source_tables import CONSENTS
from resources.daytime import LIVE
from resources.earlier_nights import uplift_of_earlier_nights
from resources.platform import Platform

HEARD_UNTIL = "heard_until"  # the note beside the lake's consents
NEVER = datetime(1970, 1, 1)  # of consents of which it is not known that any was ever handed over
_CLOCKS_APART = timedelta(hours=1)  # most that the clock of a club's server may be ahead of ours


def consents_heard_until(
    platform: Platform, night: Night, delivered: Mapping[str, datetime], club: Club
) -> datetime | None:
    """Up to when the consents are complete, at most the night's own instant.

    delivered   what the source says of its tables (`ClubSource.delivered`); a time that is still to come is a mistake
    club        all that it handed over, what came after the night included

    Where the source cannot tell, the newest consent does, and `NEVER` where there is none: a quiet club may then be taken
    for a dead feed, but never a dead feed for a quiet club. None, which counts as the night's own, for a club that records no
    consents, and for a night that is history: a replay has all there will be.
    """
    if CONSENTS.name not in club.recorded or not platform.is_living(night):
        return None
    at = delivered.get(CONSENTS.name)
    if at is not None and at <= platform.now() + _CLOCKS_APART:
        return min(at, night.as_of)
    of_the_feed = club.consents.filter(
        club.consents.source.fill_null("") != LIVE
    )  # what members told us ourselves is none of it
    newest = of_the_feed.recorded_at.max().to_pyarrow().as_py()
    return min(newest, night.as_of) if newest else NEVER


def decide_night(
    platform: Platform,
    night: Night,
    policy: Policy,
    *,
    asks: ir.Table | None = None,
    scores: ir.Table | None = None,
    quarantine: ir.Table | None = None,
    shard: Shard = WHOLE,
    wide: Wide | None = None,
    explain: Explain | None = None,
) -> ir.Table:
    """The ledger of a night by a policy, from its stored scores and their threshold; tables not given are read from the
    lake. Of a shard its members' part, with what is known of the whole club in `wide`. `explain` tells what moved the scores
    of what is sent. Raises NotInLake, DamagedTable,
    PolicyError."""
    lake = platform.lake
    notes = lake.manifest(SCORES.name, night.key).notes
    unread = lake.read(QUARANTINE, night.key) if quarantine is None else quarantine
    return decide(
        platform.club(night, shard),
        night,
        lake.read(SCORES, night.key, shard) if scores is None else scores,
        policy,
        threshold=float(notes["threshold"]) if notes["threshold"] else None,
        asks=lake.read(ASKS, night.key, shard) if asks is None else asks,
        model_version=notes["model_version"],
        doubts=doubts(unread),
        consents_until=consents_told(platform, night),
        uplift=uplift_of_earlier_nights(platform, night) if policy.chance.control_share else None,
        wide=wide,
        explain=explain,
    )


def consents_told(platform: Platform, night: Night) -> datetime | None:
    """How far the consents in the lake reach, as noted when they were read; None where the source could not tell."""
    heard = platform.lake.manifest(CONSENTS.name, night.key).notes.get(HEARD_UNTIL)
    return datetime.fromisoformat(heard) if heard else None


def offers_of(platform: Platform, night: Night, shard: Shard = WHOLE) -> ir.Table:
    """What the night's ledger sends, as `OFFERS_TO_SEND`."""
    return offer_table(platform.lake.read(DECISIONS, night.key, shard), platform.club(night, shard), night)


def suppressions_of(platform: Platform, night: Night, shard: Shard = WHOLE) -> ir.Table:
    """Whom the night's ledger sends nothing of a campaign, as `SUPPRESSIONS`."""
    lake = platform.lake
    version = lake.manifest(SCORES.name, night.key).notes["model_version"]
    audience = lake.read(ASKS, night.key, shard).select("campaign_id", "member_id")
    return suppression_list(lake.read(DECISIONS, night.key, shard), audience, platform.policy, version)
