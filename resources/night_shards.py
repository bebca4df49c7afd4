"""A night's features, scores and decisions, worked through shard by shard: what is reckoned of the whole club beforehand, and what
is then written of each shard, on its own and in any order. How a club is divided is in ml/shards.py; the steps that Dagster
runs are in assets/sharded.py.
"""

from collections.abc import Callable, Mapping

import ibis
import ibis.expr.types as ir

from ml.basis import Basis, Wide
from ml.club import Club
from ml.club_wide import INTERVALS, PRICES, RATES, REACHES, TIERS, WideFeatures, wide_facts, wide_features
from ml.consent import records_profiling
from ml.errors import DamagedModel
from ml.feature_dictionary import CAMPAIGN_FEATURES, FEATURE_TABLES, OFFER_FEATURES
from ml.features import ANSWERS, feature_tables, in_order_of, whole_clubs_features
from ml.features_offer_sums import OfferSums, offer_sums, together
from ml.kept import keep
from ml.lake_tables import ASKS, DECISIONS, SCORES
from ml.night import Night
from ml.pairs import offers_of
from ml.shards import WHOLE, Shard, shards_in, shards_needed
from ml.tables import Table
from resources.decider import decide_night
from resources.engine import is_spark
from resources.platform import Platform
from resources.scorer import RULES, Chosen, choose_scorer, explain_sent, profiled, score_night
from resources.sound_scores import settle_scores

_OF_THE_CLUB = (CAMPAIGN_FEATURES, OFFER_FEATURES)
Notes = Mapping[str, str]


def shards_for(platform: Platform, club: Club) -> int:
    """How many shards a night of the club is worked through in. Spark divides the work itself."""
    if is_spark(platform.engine):
        return 1
    return shards_needed(club, platform.settings.members_a_shard)


def prepare_features(platform: Platform, night: Night) -> Notes:
    """Make room for the parts; of a club of several shards, reckon and keep what is the same for all members."""
    lake = platform.lake
    lake.clear_parts()
    for table in FEATURE_TABLES:
        lake.begin_parts(table.name, night.key)
    if platform.shards(night) > 1:
        asks = lake.read(ASKS, night.key)
        wide = wide_features(platform.club(night), asks, ANSWERS, _sums_by_shard(platform, night, asks))
        lake.write(PRICES, night.key, wide.prices.drop("as_of"))
        lake.write(RATES, night.key, wide.rates.drop("as_of"))
        for table, rows in zip(_OF_THE_CLUB, (wide.campaigns, wide.offers), strict=True):
            lake.write_part(table, night.key, WHOLE, in_order_of(table, rows).order_by([*table.key]))
    return {}


def _sums_by_shard(platform: Platform, night: Night, asks: ir.Table) -> OfferSums:
    """What the club bought of tonight's offers. A large club's purchases are too many to be looked at together."""
    asked = keep(asks.select("as_of", "campaign_id").distinct())
    shards = shards_in(platform.shards(night))
    return together([offer_sums(platform.club(night, shard), asked, one_moment=True) for shard in shards])


def write_features(platform: Platform, night: Night, shard: Shard, notes: Notes) -> None:
    """The features of a shard's asks; those that are the same for all members only where the shard is the whole club."""
    club, asks = platform.club(night, shard), platform.lake.read(ASKS, night.key, shard)
    if shard.is_whole:
        wide = whole_clubs_features(club, asks, ANSWERS, _sums_by_shard(platform, night, asks))
    else:
        wide = _wide_features(platform, night)
    found = feature_tables(club, profiled(platform, night, club, asks, shard), ANSWERS, wide).tables()
    for table in FEATURE_TABLES:
        if shard.is_whole or table not in _OF_THE_CLUB:
            # The business date says as_of; in order, so that the bytes are the same.
            rows = found[table.name].drop("as_of").order_by([*table.key])
            platform.lake.write_part(table, night.key, shard, rows)


def parts_of_features(shards: int) -> dict[str, int]:
    """feature table -> the parts it has."""
    return {table.name: 1 if table in _OF_THE_CLUB else shards for table in FEATURE_TABLES}


def _wide_features(platform: Platform, night: Night) -> WideFeatures:
    lake, at = platform.lake, ibis.literal(night.as_of, "timestamp(6)")
    campaigns, offers = (lake.read_part(table, night.key, WHOLE).mutate(as_of=at) for table in _OF_THE_CLUB)
    prices, rates = (lake.read(table, night.key).mutate(as_of=at) for table in (PRICES, RATES))
    return WideFeatures(campaigns, offers, prices, rates)


def prepare_scores(platform: Platform, night: Night) -> Notes:
    """Choose the model; every shard is scored by it."""
    platform.lake.begin_parts(SCORES.name, night.key)
    return _notes_of(choose_scorer(platform, night))


def write_scores(platform: Platform, night: Night, shard: Shard, notes: Notes) -> None:
    """Raises DamagedModel where another model than the one chosen would score the shard."""
    scored = score_night(platform, night, _as_chosen(platform, night, notes), shard)
    platform.lake.write_part(SCORES, night.key, shard, scored)


def sound_scores(platform: Platform, night: Night, notes: Notes) -> Notes:
    """What is to be told of the scores once all are written and have been looked at."""
    return _notes_of(settle_scores(platform, night, _as_chosen(platform, night, notes)))


def _as_chosen(platform: Platform, night: Night, notes: Notes) -> Chosen:
    chosen = choose_scorer(platform, night)
    if chosen.version != notes["model_version"]:
        raise DamagedModel(
            f"model version {notes['model_version']} was chosen for the night, and version {chosen.version} is what can "
            "be had now; run the night's scores again"
        )
    return chosen


def _notes_of(chosen: Chosen) -> Notes:
    return {
        "model_version": chosen.version,
        "fallback_step": chosen.step,
        "threshold": chosen.threshold_note,
        "trained_for": chosen.trained_for,
        "why": chosen.reason,
    }


def prepare_decisions(platform: Platform, night: Night) -> Notes:
    """Of a club of several shards, reckon and keep what members are compared with."""
    lake = platform.lake
    lake.begin_parts(DECISIONS.name, night.key)
    if platform.shards(night) > 1:
        club, asks = platform.club(night), lake.read(ASKS, night.key)
        offers = offers_of(club, club.offers.semi_join(asks, "campaign_id"))
        nobody = club.members.select("member_id").limit(0)
        wide = wide_facts(Basis(club, night, platform.policy, offers, None, nobody, nobody, night.as_of))
        for table, rows in ((REACHES, wide.reach), (INTERVALS, wide.intervals), (TIERS, wide.tiers)):
            lake.write(table, night.key, rows)
    return {}


def write_decisions(platform: Platform, night: Night, shard: Shard, notes: Notes) -> None:
    """The ledger of a shard. Where the model of the scores is no longer the one to be had, what is sent has its reasons from purchases and
    declarations alone, and the night goes on."""
    chosen = choose_scorer(platform, night)
    same = chosen.version == platform.lake.manifest(SCORES.name, night.key).notes["model_version"]
    write_ledger(platform, night, shard, chosen if same and chosen.version != RULES else None)


def write_ledger(platform: Platform, night: Night, shard: Shard, chosen: Chosen | None) -> None:
    """The same with the model that explains what is sent; None = none does."""
    wide = None if shard.is_whole else _wide_facts(platform, night)
    explain = explain_sent(platform, night, chosen, shard) if chosen else None
    ledger = decide_night(platform, night, platform.policy, shard=shard, wide=wide, explain=explain)
    platform.lake.write_part(DECISIONS, night.key, shard, ledger)


def _wide_facts(platform: Platform, night: Night) -> Wide:
    reach, intervals, tiers = (platform.lake.read(table, night.key) for table in (REACHES, INTERVALS, TIERS))
    return Wide(reach, intervals, tiers, records_profiling(platform.club(night)))


def write_lists(platform: Platform, night: Night, table: Table, rows_of: Callable[[Shard], ir.Table]) -> int:
    """Write a list that is made of the ledger, a shard after the other, in the order of its key; gives the number of parts. Publishing is
    twice as fast in that order."""
    shards = shards_in(platform.shards(night))
    platform.lake.begin_parts(table.name, night.key)
    for shard in shards:
        platform.lake.write_part(table, night.key, shard, rows_of(shard).order_by([*table.key]))
    return len(shards)
