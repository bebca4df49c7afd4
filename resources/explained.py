"""Everything a night knew of one member and what it decided, read back from the lake: facts, scores, contributions, rules.
It reads only, and computes nothing anew but the exact contributions of the one member. How it is shown is in
hemsil/explain.py.
"""

from typing import Any

import ibis
import ibis.expr.types as ir

from ml.errors import SettingsError
from ml.examples import mailing_rows, offer_rows, offered
from ml.explanations import family_contributions, told
from ml.feature import FAMILIES
from ml.lake_tables import ASKS, DECISIONS
from ml.model import RelevanceModel
from ml.night import Night
from ml.source_tables import SOURCE_TABLES
from resources.platform import Platform
from resources.scorer import RULES, feature_tables_of

KNOWN = ("declared_facts", "consents", "preferences", "feedback", "cases")  # told row by row; the others are counted
COUNTED = ("transactions", "mailings", "responses")


def explain_member(platform: Platform, member: str, business_date: str = "", offer: str = "") -> dict[str, Any]:
    """The way from facts to verdict, as values JSON can hold.

    {"member_id", "business_date", "known": {table: rows}, "counted": {table: rows}, "decisions": [ledger rows, the member's
    slots first, each with "exact": {"mailing": {family: log-odds}, "offer": {...}}, without those never told]}

    business_date  empty: the last night decided
    offer          only decisions on this offer

    Raises SettingsError where the lake has no such night, or the night no such member or offer.
    """
    key = _night(platform, business_date)
    night = platform.night(key)
    club = platform.club(night)

    def mine(table: ir.Table) -> ir.Table:
        return table.filter(table.member_id == member)

    if not mine(club.members).count().to_pyarrow().as_py():
        raise SettingsError(f"the club had no member of this id on {key}")
    found = mine(platform.lake.read(DECISIONS, key)).order_by(["slot", "campaign_id", "offer_id", "channel"])
    rows = found.to_pyarrow().to_pylist()
    if offer:
        rows = [row for row in rows if row["offer_id"] == offer]
        if not rows:
            raise SettingsError(f"offer {offer} was not considered for the member on {key}")
    exact = _exact(platform, night, member, rows)
    for row in rows:
        row["exact"] = exact.get((row["campaign_id"], row["offer_id"]), {})
    recorded = [t for t in SOURCE_TABLES if t.name in club.recorded and "member_id" in t.names]
    return {
        "member_id": member,
        "business_date": key,
        "known": {t.name: mine(getattr(club, t.name)).to_pyarrow().to_pylist() for t in recorded if t.name in KNOWN},
        "counted": {
            t.name: mine(getattr(club, t.name)).count().to_pyarrow().as_py() for t in recorded if t.name in COUNTED
        },
        "decisions": rows,
    }


def _night(platform: Platform, asked: str) -> str:
    dates = platform.lake.dates(DECISIONS.name)
    if not dates:
        raise SettingsError("no night has been decided yet; `hemsil nightly` runs one")
    if asked and asked not in dates:
        raise SettingsError(f"there is no night of {asked}; there are {', '.join(dates[-10:])}")
    return asked or dates[-1]


def _exact(
    platform: Platform, night: Night, member: str, rows: list[dict[str, Any]]
) -> dict[tuple[str, str], dict[str, dict[str, float]]]:
    """Contributions (SHAP values) by campaign and offer of the rows, by the model that scored them; none by rules."""
    wanted = {row["offer_id"] for row in rows if row["relevance"] is not None}
    version = rows[0]["model_version"] if rows else RULES
    if not wanted or version == RULES:
        return {}
    model = RelevanceModel.from_files(dict(platform.registry.load(version).files))
    asks = platform.lake.read(ASKS, night.key)
    asks = asks.filter(asks.member_id == member)
    club, tables = platform.club(night), feature_tables_of(platform, night)
    pairs = offered(club, asks)
    offers = offer_rows(club, pairs, tables).filter(ibis._.offer_id.isin(sorted(wanted))).to_pyarrow()
    by_stage: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    of_mailing: dict[str, dict[str, float]] = {}
    if model.mailing is not None:
        mailings = mailing_rows(club, asks, tables).to_pyarrow()
        said = told(family_contributions(model.mailing, mailings, exact=True), most=len(FAMILIES))
        of_mailing = dict(zip(mailings["campaign_id"].to_pylist(), said, strict=True))
    said = told(family_contributions(model.offer, offers, exact=True), most=len(FAMILIES))
    places = zip(offers["campaign_id"].to_pylist(), offers["offer_id"].to_pylist(), said, strict=True)
    for campaign, offer, families in places:
        by_stage[campaign, offer] = {"offer": families}
        if campaign in of_mailing:
            by_stage[campaign, offer]["mailing"] = of_mailing[campaign]
    return by_stage
