"""Features of an offer, and of a whole campaign, at a moment: kind, depth, breadth, how many buy its products, price
level, how offers like it were answered. Nothing about one member belongs here.
"""

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.exact import total
from ml.features_offer_sums import YEAR, OfferSums, offer_sums
from ml.habits import offer_groups
from ml.history import QUARTER, RECENT, days_before, grouped_products, share
from ml.kept import keep

OFFER = ["as_of", "campaign_id", "offer_id"]
SECONDS = 86400.0  # of a day
PRIOR_RATE = 0.01  # answers a mailing that an offer unlike any before is taken to get
PRIOR_MAILED = 100.0  # mailings that the prior of an offer's past answers weighs


def offer_features(club: Club, asks: ir.Table, kinds: tuple[str, ...], sums: OfferSums | None = None) -> ir.Table:
    """One row a (as_of, campaign_id, offer_id) of every offer of the campaigns asked about. `sums` are those of the club, where they were
    made of its parts."""
    asked = asks.select("as_of", "campaign_id").distinct()
    sums = offer_sums(club, asked) if sums is None else sums
    offers = club.offers.semi_join(asked, "campaign_id")
    base = asked.inner_join(offers, "campaign_id").select(
        *OFFER, offer_kind="kind", discount_share="discount_share", price_tier=offers.price_tier.cast("float64")
    )
    size = _breadth(club)
    joined = base.left_join(size, ["campaign_id", "offer_id"])
    joined = joined.drop(*[c for c in joined.columns if c.endswith("_right")])
    for part in (_demand(sums), _rhythm(club, asked, sums), _past_answers(club, asked, kinds)):
        joined = joined.left_join(part, OFFER)
        joined = joined.drop(*[c for c in joined.columns if c.endswith("_right")])
    nothing = {"reach": 0.0, "reach_baskets": 0.0, "popularity": PRIOR_RATE}
    return joined.mutate(**{c: joined[c].fill_null(value) for c, value in nothing.items()})


def _breadth(club: Club) -> ir.Table:
    """How much of the assortment an offer is about; offers without products have no row."""
    named = club.offer_products.inner_join(club.offers.select("offer_id", "campaign_id"), "offer_id")
    named = named.inner_join(grouped_products(club), "product_id")
    size = named.group_by("campaign_id", "offer_id").aggregate(
        products=named.count().cast("float64"),
        subcategories=named.subcategory.nunique().cast("float64"),
        brands=named.brand.nunique().cast("float64"),
        offer_own_brand=named.own_brand.mean(),
    )
    by_department = named.group_by("campaign_id", "offer_id", "department").aggregate(n=named.count())
    most = ibis.struct({"n": by_department.n, "department": by_department.department})  # of as many, one by name
    named_most = by_department.group_by("campaign_id", "offer_id").aggregate(
        department=by_department.department.argmax(most)
    )
    joined = size.left_join(named_most, ["campaign_id", "offer_id"])
    return joined.drop("campaign_id_right", "offer_id_right")


def _demand(sums: OfferSums) -> ir.Table:
    """What the whole club bought of the offer's products in the last 91 days."""
    t = sums.demand.inner_join(sums.active, "as_of")
    return t.select(
        *OFFER,
        reach=t.buyers / t.members,
        reach_baskets=t.baskets / t.members,
        baskets_per_buyer=t.baskets / t.buyers,
        unit_price=t.paid_and_spared / t.quantity,
        offer_coupon_lines=share(t.coupon_lines, t.told_lines),
        offer_shelf_discount=share(t.discount, t.paid_and_spared),
    )


def _rhythm(club: Club, asked: ir.Table, sums: OfferSums) -> ir.Table:
    """season_pace and usual_interval of the subcategories that the offers are about, by what the whole club bought before: a thing
    that a member has bought once has no interval of the member's own."""
    groups = keep(offer_groups(club, "subcategory").semi_join(asked, "campaign_id"))
    met = asked.inner_join(groups, "campaign_id").inner_join(sums.paces, ["as_of", "value"])
    known = ibis.least(met.known, float(YEAR))
    usual = met.year.cast("float64") * RECENT / ibis.greatest(known, float(RECENT))
    interval = met.lived / SECONDS / met.again.nullif(0)
    return met.group_by(*OFFER).aggregate(
        season_pace=(total(met.recent.cast("float64") * met.weight) + 1.0) / (total(usual * met.weight) + 1.0),
        usual_interval=total(interval * met.weight) / total(met.weight, where=interval.notnull()),
    )


def _past_answers(club: Club, asked: ir.Table, kinds: tuple[str, ...]) -> ir.Table:
    """Answers a mailing to earlier offers with the same products, weighted by likeness (cosine), and shrunk."""
    products = offer_products_weighted(club)
    asked_offers = asked.inner_join(products, "campaign_id")
    past = products.select(past_campaign="campaign_id", past_offer="offer_id", value="value", past_weight="weight")
    alike = asked_offers.inner_join(past, "value").filter(lambda t: t.past_campaign != t.campaign_id)
    alike = alike.group_by(*OFFER, "past_campaign", "past_offer").aggregate(
        likeness=total(alike.weight * alike.past_weight)
    )
    mailed, answered = mailed_before(club, asked), _answered_before(club, asked, kinds)
    t = alike.inner_join(mailed, ["as_of", "past_campaign"]).left_join(answered, ["as_of", "past_offer"])
    n = t.group_by(*OFFER).aggregate(
        mailed=total(t.mailed * t.likeness),
        answers=total(t.answers.fill_null(0) * t.likeness),
        likest=t.likeness.max(),
    )
    return n.select(
        *OFFER,
        popularity=(n.answers + PRIOR_RATE * PRIOR_MAILED) / (n.mailed + PRIOR_MAILED),
        past_answers_alike="answers",
        likest_past_offer="likest",
    )


def offer_products_weighted(club: Club) -> ir.Table:
    """(campaign_id, offer_id, value, weight): an offer's products, weighted so that two offers add up to a cosine."""
    groups = offer_groups(club, "product_id")
    return groups.mutate(weight=groups.weight.sqrt())


def mailed_before(club: Club, asked: ir.Table) -> ir.Table:
    """(as_of, past_campaign, mailed): members that earlier campaigns had been sent to by each moment."""
    moments = asked.select("as_of").distinct()
    sent = club.mailings.group_by("campaign_id", "member_id").aggregate(sent_at=club.mailings.sent_at.min())
    seen = moments.inner_join(sent, sent.sent_at < moments.as_of)
    return seen.group_by(["as_of", seen.campaign_id.name("past_campaign")]).aggregate(
        mailed=seen.count().cast("float64")
    )


def _answered_before(club: Club, asked: ir.Table, kinds: tuple[str, ...]) -> ir.Table:
    moments = asked.select("as_of").distinct()
    given = club.responses.filter(club.responses.kind.isin(kinds) & club.responses.offer_id.notnull())
    seen = moments.inner_join(given, given.occurred_at < moments.as_of)
    return seen.group_by(["as_of", seen.offer_id.name("past_offer")]).aggregate(
        answers=seen.member_id.nunique().cast("float64")
    )


def campaign_features(club: Club, asks: ir.Table) -> ir.Table:
    """One row a (as_of, campaign_id): kind, length, number of offers, and the share of the club's spend that its
    products made in the last 91 days."""
    asked = asks.select("as_of", "campaign_id").distinct()
    offers = club.offers.group_by("campaign_id").aggregate(offers=club.offers.count().cast("float64"))
    plan = club.campaigns.left_join(offers, "campaign_id")
    planned = asked.inner_join(plan, "campaign_id")
    ends = planned.ends_on.cast("timestamp")
    base = planned.select(
        "as_of",
        "campaign_id",
        campaign_kind="kind",
        offers=planned.offers.fill_null(0),
        days_left=days_before(ends, planned.as_of).round().cast("float64") + 1,  # as_of is a local midnight in UTC
        month=(planned.as_of + ibis.interval(hours=12)).month().cast("float64"),
    )
    joined = base.left_join(_spend_share(club, asked), ["as_of", "campaign_id"])
    return joined.drop("as_of_right", "campaign_id_right")


def _spend_share(club: Club, asked: ir.Table) -> ir.Table:
    moments = asked.select("as_of").distinct()
    lines = club.transactions.filter(club.transactions.quantity > 0)
    window = moments.as_of - ibis.interval(days=QUARTER)
    recent = moments.inner_join(lines, [lines.occurred_at < moments.as_of, lines.occurred_at >= window])
    recent = recent.group_by("as_of", "product_id").aggregate(spend=total(recent.amount))
    whole = recent.group_by("as_of").aggregate(whole=total(recent.spend))
    products = club.offer_products.inner_join(club.offers.select("offer_id", "campaign_id"), "offer_id")
    products = products.select("campaign_id", "product_id").distinct()
    t = asked.inner_join(products, "campaign_id").inner_join(recent, ["as_of", "product_id"])
    t = t.group_by("as_of", "campaign_id").aggregate(spend=total(t.spend)).inner_join(whole, "as_of")
    return t.select("as_of", "campaign_id", club_spend_share=share(t.spend, t.whole))
