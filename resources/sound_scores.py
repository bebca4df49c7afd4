"""The night's scores, looked at before anything is decided by them. Where the champion's are unsound, the model before it scores
the night (step B of the ladder), and where its are too, rules do (C). What is unsound is said in ml/soundness.py.
"""

from dataclasses import replace
from datetime import timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ml.errors import IntegrityError
from ml.lake_tables import SCORES
from ml.model import RelevanceModel
from ml.night import Night
from ml.shards import Shard, shards_in
from ml.soundness import LEAST_GROUP, LEAST_OFFERS, LEAST_ROWS, ScoreCounts, faults, most_by_chance, stability
from ml.source_tables import MEMBERS
from resources.platform import Platform
from resources.registry import BUSINESS_DATE
from resources.scorer import RULES_NIGHT, Chosen, score_night

DAYS_BEFORE = 7  # whose scores of the same campaigns tonight's are compared with
MOST_MEMBERS = 20_000  # of an earlier night that a new model scores, to have something to compare with


def settle_scores(platform: Platform, night: Night, chosen: Chosen) -> Chosen:
    """Look at the scores of all shards, as they were written; where they are unsound, score anew with the next model down, until
    they are sound. Gives what scored them in the end."""
    shards = shards_in(platform.shards(night))
    while True:
        parts = [platform.lake.read_part(SCORES, night.key, shard) for shard in shards]
        scores = ibis.union(*parts) if len(parts) > 1 else parts[0]
        wrong = _faults(platform, night, chosen, scores)
        if not wrong:
            return chosen
        chosen = _next(platform, night, chosen, "; ".join(wrong))
        for shard in shards:
            platform.lake.write_part(SCORES, night.key, shard, score_night(platform, night, chosen, shard))


def _next(platform: Platform, night: Night, unsound: Chosen, why: str) -> Chosen:
    """One rung down: the kept model before the unsound one, or rules."""
    said = f"model version {unsound.version} is not used, as {why}"
    if unsound.step == "B":
        said = f"{unsound.reason}; {said}"
    before = platform.kept_models.newest(night.key, besides=unsound.version) if unsound.step == "A" else None
    if before is None:
        return replace(RULES_NIGHT, reason=f"{said}; rules decide")
    model = RelevanceModel.from_files(dict(before.files))
    words = f"{said}; model version {before.version}, one that a night has used, takes its place"
    return Chosen(model, before.version, "B", words, before.tags[BUSINESS_DATE])


def _faults(platform: Platform, night: Night, chosen: Chosen, scores: ir.Table) -> list[str]:
    scorer = chosen.scorer
    if not isinstance(scorer, RelevanceModel):  # there is nothing below rules, whose scores are alike for many
        return []
    buyers = platform.club(night).transactions.select("member_id").distinct()
    psi, by_chance = spread(_said_before(platform, night, chosen), _told(scores))
    return list(faults(_counts(scores, buyers), psi, by_chance, platform.policy.soundness))


def _counts(scores: ir.Table, buyers: ir.Table) -> ScoreCounts:
    usable = [c.notnull() & c.between(0, 1) for c in (scores.relevance, scores.mailing_relevance)]
    totals = scores.aggregate(rows=scores.count(), usable=(usable[0] & usable[1]).sum()).to_pandas().iloc[0]
    asks = scores.group_by("campaign_id", "member_id").aggregate(score=scores.mailing_relevance.max())
    known = asks.semi_join(buyers, "member_id")
    alike = known.group_by("campaign_id", "score").aggregate(members=known.count())
    of_campaign = alike.group_by("campaign_id").aggregate(most=alike.members.max(), members=alike.members.sum())
    enough = of_campaign.filter(of_campaign.members >= LEAST_ROWS, of_campaign.most >= LEAST_GROUP)
    identical = enough.aggregate(share=(enough.most / enough.members).max()).to_pandas().share[0]
    rows, sound = int(totals.rows), 0 if pd.isna(totals.usable) else int(totals.usable)
    return ScoreCounts(rows, rows - sound, 0.0 if pd.isna(identical) else float(identical), _top_share(scores))


def _top_share(scores: ir.Table) -> float:
    """Of the members for whom the most frequent best offer is best, in campaigns of many offers."""
    offers = scores.group_by("campaign_id").aggregate(offers=scores.offer_id.nunique())
    many = scores.semi_join(offers.filter(offers.offers >= LEAST_OFFERS), "campaign_id")
    order = ibis.window(group_by=["campaign_id", "member_id"], order_by=[many.relevance.desc(), many.offer_id])
    best = many.mutate(place=ibis.row_number().over(order))
    best = best.filter(best.place == 0)
    counts = best.group_by("offer_id").aggregate(members=best.count()).to_pandas().members
    return float(counts.max() / counts.sum()) if counts.sum() >= LEAST_ROWS else 0.0


def _told(scores: ir.Table) -> pd.DataFrame:
    """campaign_id and score: a row a member and campaign."""
    asked = scores.group_by("campaign_id", "member_id").aggregate(score=scores.mailing_relevance.max())
    return asked.select("campaign_id", "score").to_pandas()


def _said_before(platform: Platform, night: Night, chosen: Chosen) -> pd.DataFrame:
    """The same of the days before, by the same model: what it said of the nights that it scored; where it is new, what it says of the
    newest night whose scores were sound, so that what has moved is the club or its data, and not the model."""
    sound = _sound_nights(platform, night)
    parts = []
    for key in [key for key, version in sound.items() if version == chosen.version]:
        try:
            parts.append(_told(platform.lake.read(SCORES, key)))
        except IntegrityError:
            continue
    for key in () if parts else reversed(sound):
        try:
            parts.append(_told(_scored_anew(platform, platform.night(key), chosen)))
            break
        except IntegrityError:  # retention may have taken a table that it needs
            continue
    return pd.concat(parts) if parts else pd.DataFrame({"campaign_id": [], "score": []})


def _sound_nights(platform: Platform, night: Night) -> dict[str, str]:
    """business date -> model version, oldest first: the nights of the days before that a model scored."""
    since = (night.business_date - timedelta(days=DAYS_BEFORE)).isoformat()
    found = {}
    for key in [d for d in platform.lake.dates(SCORES.name) if since <= d < night.key]:
        try:
            notes = platform.lake.manifest(SCORES.name, key).notes
            if notes["fallback_step"] != RULES_NIGHT.step:
                found[key] = notes["model_version"]
        except (IntegrityError, KeyError):
            continue
    return found


def _scored_anew(platform: Platform, before: Night, chosen: Chosen) -> ir.Table:
    """What the model says of an earlier night, from its features; of a club of many members, of some of them."""
    members = platform.lake.read(MEMBERS, before.key).count().to_pandas()
    scored = score_night(platform, before, chosen, Shard(0, max(1, round(int(members) / MOST_MEMBERS))))
    return scored if isinstance(scored, ir.Table) else ibis.memtable(scored.read_all())


def spread(reference: pd.DataFrame, tonight: pd.DataFrame) -> tuple[float | None, float]:
    """The stability index of tonight's scores against those of the nights before, of the campaigns that both have and in
    tonight's mix of them, and what chance explains. None where that is too little.

    Not against what was said of past mailings: other campaigns went to other members, and a sound night of The Complete
    Journey has an index of 0.63 against those of the same kind.
    """
    tonight = tonight[tonight.campaign_id.isin(set(reference.campaign_id)) & np.isfinite(tonight.score)]
    reference = reference[reference.campaign_id.isin(set(tonight.campaign_id)) & np.isfinite(reference.score)]
    if not len(reference) or not len(tonight):
        return None, 0.0
    mix = tonight.campaign_id.value_counts(normalize=True) / reference.campaign_id.value_counts(normalize=True)
    weights = np.asarray(reference.campaign_id.map(mix), dtype=np.float64)
    then, now = reference.score.to_numpy(dtype=float), tonight.score.to_numpy(dtype=float)
    effective = int(weights.sum() ** 2 / (weights**2).sum())  # rows that weigh more than others count for fewer
    return stability(then, weights, now), most_by_chance(max(effective, 1), now.size)
