"""Who is champion after a night: the challenger and the champion brought before the gate of ml/promotion.py, and its decision
carried out and noted in the registry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from ml.canary import Shuffled
from ml.errors import DamagedTable, NotInLake
from ml.promotion import decide_promotion
from ml.validation import VALIDATION
from resources.platform import Platform
from resources.registry import BUSINESS_DATE, CHAMPION, CLUB
from resources.trainer import SHUFFLED_AUC, SHUFFLED_CHANCE


@dataclass(frozen=True)
class Settled:
    """What became of a date's challenger: good enough or not, champion now or not, why in words, and the figures."""

    promoted: bool
    leads: bool
    version: str | None
    reason: str
    figures: Mapping[str, float] = field(default_factory=dict)


def settle_champion(platform: Platform, business_date: str) -> Settled:
    """Promote the date's challenger if it deserves it. Raises RegistryUnavailable, ChampionMoved, NotInLake."""
    registry, policy = platform.registry, platform.policy
    trained = registry.challenger(business_date)
    if trained is None:
        return Settled(False, False, None, "no challenger was trained for this date")
    before = registry.alias(CHAMPION)
    nan = float("nan")
    decision = decide_promotion(
        _rows(platform, business_date),
        _rows_of(platform, before),
        policy.promotion,
        keep_responders=policy.relevance.keep_responders,
        threshold=trained.metrics["threshold"],
        shuffled=Shuffled(trained.metrics.get(SHUFFLED_AUC, nan), trained.metrics.get(SHUFFLED_CHANCE, nan)),
        seed=policy.chance.seed,
    )
    if not decision.promote:
        registry.note(trained.version, {"decision": decision.reason})
        return Settled(False, False, trained.version, decision.reason, decision.figures)
    leads = registry.promote(trained.version, business_date, decision.reason, instead_of=before)
    held = "" if leads else _why_not(platform)
    return Settled(True, leads, trained.version, f"{decision.reason}{held}", decision.figures)


def _why_not(platform: Platform) -> str:
    pin = platform.registry.pinned()
    if pin:
        return f"; {pin['who']} pinned version {pin['version']} ({pin['why']}), so it stays: hemsil rollback --release"
    return "; the champion was trained for a later date and stays"


def _rows_of(platform: Platform, version: str | None) -> pd.DataFrame | None:
    """What a champion said of past mailings before it learned from them; None where that is not known."""
    if version is None:
        return None
    tags = platform.registry.tags(version)
    if tags.get(CLUB) != platform.club_id:
        return None
    try:
        return _rows(platform, tags[BUSINESS_DATE])
    except (NotInLake, DamagedTable):  # its night is no longer kept, or was run by an older version of Hemsil
        return None


def _rows(platform: Platform, business_date: str) -> pd.DataFrame:
    return platform.lake.read_batches(VALIDATION, business_date).read_all().to_pandas()
