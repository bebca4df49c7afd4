"""Who is champion after a night: the challenger and the champion brought before the gate of ml/promotion.py, and its decision
carried out and noted in the registry.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from ml.canary import Shuffled
from ml.errors import DamagedTable, NotInLake
from ml.leakage import Suspect
from ml.promotion import Decision, decide_promotion
from ml.shadow import SHADOW_SCORES
from ml.validation import VALIDATION
from resources.platform import Platform
from resources.registry import BUSINESS_DATE, CHAMPION, CLUB, PROMOTED, SHADOW, SHADOW_SINCE, Registered
from resources.trainer import MOST_TELLING, MOST_TELLING_AUC, SHUFFLED_AUC, SHUFFLED_CHANCE

FIGURES = "decision.figures"  # tag of a version: what it was decided on, by name, as JSON


@dataclass(frozen=True)
class Settled:
    """What became of a date's challenger: good enough or not, champion now or not, why in words, and the figures."""

    promoted: bool
    leads: bool
    version: str | None
    reason: str
    figures: Mapping[str, float] = field(default_factory=dict)


def settle_champion(platform: Platform, business_date: str) -> Settled:
    """Promote the date's challenger if it deserves it, after its shadow nights where the policy asks for them. Raises
    RegistryUnavailable, ChampionMoved, NotInLake."""
    registry, policy = platform.registry, platform.policy
    before, nights = registry.alias(CHAMPION), policy.promotion.shadow_nights
    shadow = registry.alias(SHADOW) if nights and before else None
    if shadow and before:
        return _after_shadow(platform, shadow, before, business_date)
    trained = registry.challenger(business_date)
    if trained is None:
        return Settled(False, False, None, "no challenger was trained for this date")
    decision = _judged(platform, trained, before, business_date)
    figures = {name: round(value, 4) for name, value in decision.figures.items()}
    registry.note(trained.version, {"decision": decision.reason, FIGURES: json.dumps(figures)})
    if not decision.promote:
        registry.note(trained.version, {PROMOTED: "false"})
        return Settled(False, False, trained.version, decision.reason, decision.figures)
    if nights and before:
        registry.shadow(trained.version, business_date)
        words = f"{decision.reason}; it scores beside the champion for {nights} nights first"
        return Settled(False, False, trained.version, words, decision.figures)
    leads = registry.promote(trained.version, business_date, decision.reason, instead_of=before)
    held = "" if leads else _why_not(platform)
    return Settled(True, leads, trained.version, f"{decision.reason}{held}", decision.figures)


def _judged(platform: Platform, trained: Registered, before: str | None, business_date: str) -> Decision:
    nan = float("nan")
    return decide_promotion(
        _rows(platform, business_date),
        _rows_of(platform, before),
        platform.policy.promotion,
        keep_responders=platform.policy.relevance.keep_responders,
        threshold=trained.metrics["threshold"],
        shuffled=Shuffled(trained.metrics.get(SHUFFLED_AUC, nan), trained.metrics.get(SHUFFLED_CHANCE, nan)),
        telling=Suspect(trained.tags.get(MOST_TELLING, "no input"), trained.metrics.get(MOST_TELLING_AUC, nan)),
        seed=platform.policy.chance.seed,
        too_old=_too_old(platform, before, business_date),
    )


def _too_old(platform: Platform, before: str | None, business_date: str) -> bool:
    if before is None:
        return False
    trained = date.fromisoformat(platform.registry.tags(before)[BUSINESS_DATE])
    return (date.fromisoformat(business_date) - trained).days > platform.policy.monitoring.most_model_age_days


def _after_shadow(platform: Platform, shadow: str, before: str, business_date: str) -> Settled:
    """Promote a shadow that has scored for enough nights; until then nobody is. A night counts once it has been written."""
    registry, tags = platform.registry, platform.registry.tags(shadow)
    since, nights = tags[SHADOW_SINCE], platform.policy.promotion.shadow_nights
    done = sum(since <= day < business_date for day in platform.lake.dates(SHADOW_SCORES.name))
    if done < nights:
        return Settled(False, False, shadow, f"it has scored beside the champion for {done} of {nights} nights")
    reason = f"{tags['decision']}; it has scored beside the champion for {done} nights"
    leads = registry.promote(shadow, tags[BUSINESS_DATE], reason, instead_of=before)
    registry.shadow(None)
    return Settled(True, leads, shadow, reason if leads else f"{reason}{_why_not(platform)}")


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
