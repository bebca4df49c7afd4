"""Who is asked about, what the model is shown of them, and what they answered. Tonight's rows and the training examples
are made by the same `mailing_rows` and `offer_rows`; how they differ is only in the asks.

An *ask* is: "at this instant, for this campaign, this member?" (as_of, campaign_id, member_id), with closes_at, the
instant at which the time to answer is over. All times are UTC without zone.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from ml.club import Club
from ml.exact import GRID, on_the_grid
from ml.feature_dictionary import FEATURES
from ml.features import ANSWERS, FeatureTables, feature_tables
from ml.features_of_members import MEMBER
from ml.features_of_offers import CAMPAIGN, DEPARTMENT, MEMBER_CAMPAIGN, MEMBER_OFFER, OFFER, RANKED, RELATIVE, SHARED
from ml.kept import keep
from ml.night import Night, start_of_day
from ml.shards import Shard

ASK = ("as_of", "campaign_id", "member_id")
UNKNOWN = (
    "_days_since",
    "_due",
    "_apart",
)  # ends of the names of features of a pair that nothing known leaves unknown, not 0
ASKS = ibis.schema(
    {"as_of": "timestamp(6)", "campaign_id": "string", "member_id": "string", "closes_at": "timestamp(6)"}
)
LOOKS = ("open",)  # not a click: where openings are not recorded, only those who answered would seem to have looked
ANSWER_DAYS = 180  # a campaign that never ends is still answered within this


def night_asks(club: Club, night: Night) -> ir.Table:
    """Asks of the night: campaigns that run on the business date x their audience (every member where none is named)."""
    running = club.campaigns.filter(
        (club.campaigns.starts_on <= night.business_date) & (club.campaigns.ends_on >= night.business_date)
    )
    windows = _windows(running, night.timezone, night.business_date)
    return _audience(club, windows.mutate(as_of=ibis.literal(night.as_of, "timestamp(6)")))


def training_asks(club: Club, night: Night) -> ir.Table:
    """Asks of the past whose time to answer was over by the night, as of the day of sending.

    One row a member and campaign that a mailing was sent for; as_of is the local midnight that began the day of the
    first sending, as the night of that day would have had it.
    """
    windows = _windows(club.campaigns, night.timezone, night.business_date)
    sent = club.mailings.group_by("campaign_id", "member_id").aggregate(sent_at=club.mailings.sent_at.min())
    days = _midnights(sent, night.timezone)
    dated = sent.inner_join(days, [sent.sent_at >= days.as_of, sent.sent_at < days.next])
    asks = dated.inner_join(windows, "campaign_id").select(*ASKS.names)
    latest = ibis.least(asks.closes_at, asks.as_of + ibis.interval(days=ANSWER_DAYS))
    return asks.mutate(closes_at=latest.cast("timestamp(6)")).filter(lambda t: t.closes_at <= ibis.literal(night.as_of))


def of_fewer_members(asks: ir.Table, most: int) -> tuple[ir.Table, Shard]:
    """(asks, the part of the members that they are of): about `most` asks at most, all of a member's or none, so that what answers depend
    on stays as it is. Who is drawn hangs on the id alone."""
    asks = keep(asks)
    part = Shard(0, max(1, ceil(asks.count().to_pyarrow().as_py() / most)))
    return part.part_of(asks), part


def answers(club: Club, asks: ir.Table, kinds: tuple[str, ...] = ANSWERS, name: str = "answered") -> ir.Table:
    """The asks with answered (1.0 if the member answered the campaign from as_of until closes_at, else 0.0), or what other `kinds` of
    response are to be named."""
    given = club.responses.filter(club.responses.kind.isin(kinds))
    within = asks.inner_join(given, ["campaign_id", "member_id"])
    within = within.filter((within.occurred_at >= within.as_of) & (within.occurred_at < within.closes_at))
    yes = within.select(*ASK).distinct().mutate(**{name: ibis.literal(1.0)})
    joined = asks.left_join(yes, ASK)
    return joined.select(*asks.columns, **{name: joined[name].fill_null(0.0)})


def offer_answers(club: Club, pairs: ir.Table, kinds: tuple[str, ...] = ANSWERS, name: str = "answered") -> ir.Table:
    """Pairs (an ask and an offer_id) with answered: 1.0 if the member answered with that offer in time. A response that
    names no offer counts for every offer of the ask; pairs of mailings that named one offer are then right."""
    given = club.responses.filter(club.responses.kind.isin(kinds))
    within = pairs.inner_join(given, ["campaign_id", "member_id"], rname="{name}_given")
    same = within.offer_id_given.isnull() | (within.offer_id_given == within.offer_id)
    within = within.filter(same & (within.occurred_at >= within.as_of) & (within.occurred_at < within.closes_at))
    yes = within.select(*ASK, "offer_id").distinct().mutate(**{name: ibis.literal(1.0)})
    joined = pairs.left_join(yes, [*ASK, "offer_id"])
    return joined.select(*pairs.columns, **{name: joined[name].fill_null(0.0)})


def offered(club: Club, asks: ir.Table) -> ir.Table:
    """The asks x every offer of the campaign: what could be sent."""
    offers = club.offers.select("campaign_id", "offer_id")
    return asks.inner_join(offers, "campaign_id").select(*asks.columns, "offer_id")


def offers_sent(club: Club, asks: ir.Table) -> ir.Table:
    """The asks x the offers that their mailings named; asks whose mailings named none have no row."""
    named = club.mailings.filter(club.mailings.offer_id.notnull())
    named = named.select("campaign_id", "member_id", "offer_id").distinct()
    return asks.inner_join(named, ["campaign_id", "member_id"]).select(*asks.columns, "offer_id")


def mailing_rows(club: Club, asks: ir.Table, tables: FeatureTables | None = None) -> ir.Table:
    """The asks with every feature of the mailing stage. `tables` are the asks' features, where they are there already."""
    tables = tables or feature_tables(club, asks)
    rows = _attach(asks, tables.member_features, ["as_of", "member_id"])
    rows = _attach(rows, tables.campaign_features, ["as_of", "campaign_id"])
    rows = _attach(rows, tables.member_campaign_features, list(ASK))
    return rows.select(*asks.columns, *(f.name for f in (*MEMBER, *CAMPAIGN, *MEMBER_CAMPAIGN)))


def offer_rows(club: Club, pairs: ir.Table, tables: FeatureTables | None = None) -> ir.Table:
    """Pairs (asks with offer_id) with every feature of the offer stage: the pair's evidence (0 where there is none),
    the offer's own, its place among the campaign's offers for this member, and the member's."""
    tables = tables or feature_tables(club, pairs)
    asks = pairs.select(*ASK).distinct()
    every = with_evidence(offered(club, asks), tables)
    every = _attach(every, tables.offer_features, ["as_of", "campaign_id", "offer_id"])
    every = _beside_the_others(every)
    rows = _attach(pairs, every, [*ASK, "offer_id"])
    rows = _attach(rows, tables.campaign_features, ["as_of", "campaign_id"])
    rows = _attach(rows, tables.member_features, ["as_of", "member_id"])
    rows = _attach(rows, tables.member_campaign_features, list(ASK))
    named = (*MEMBER, *CAMPAIGN, *MEMBER_CAMPAIGN, *OFFER, *MEMBER_OFFER, *DEPARTMENT, *RELATIVE)
    return rows.select(*pairs.columns, *(f.name for f in named))


def with_evidence(pairs: ir.Table, tables: FeatureTables) -> ir.Table:
    """The pairs with what is known of the member and the offer: `MEMBER_OFFER`, and of the member and the offer's department:
    `DEPARTMENT`. Counts are 0 where nothing is known."""
    rows = _attach(pairs, tables.member_offer_features, [*ASK, "offer_id"])
    of_offers = tables.offer_features.select("as_of", "campaign_id", "offer_id", "department")
    rows = _attach(rows, of_offers, ["as_of", "campaign_id", "offer_id"])
    rows = _attach(rows, tables.member_department_features, ["as_of", "member_id", "department"]).drop("department")
    counts = [f.name for f in (*MEMBER_OFFER, *DEPARTMENT) if not f.name.endswith(UNKNOWN)]
    return rows.mutate(**{name: rows[name].fill_null(0) for name in counts})


def _beside_the_others(rows: ir.Table) -> ir.Table:
    """Rank and share of each offer among all offers of the campaign, for the member."""
    ranks = {f"{n}_rank": ibis.percent_rank().over(group_by=ASK, order_by=rows[n].desc()) for n in RANKED}
    sums = {n: on_the_grid(rows[n]).sum().over(group_by=ASK) / float(GRID) for n in SHARED}
    shares = {f"{n}_share": (rows[n] / sums[n].nullif(0)).fill_null(0) for n in SHARED}
    return rows.mutate(
        **ranks,
        **shares,
        product_lift=((rows.product_baskets_91 + 0.3) / (rows.reach_baskets + 0.05)).ln(),
        offer_known_share=rows.offer_products_known / rows.products.nullif(0),
        subcategory_of_usual=rows.subcategory_days_since / rows.usual_interval.nullif(0),
    )


@dataclass(frozen=True)
class TrainingRows:
    """Past asks and offers with what was answered, and which messages were opened, for `training.fit_model`.

    kind  "choice" where mailings carry a campaign's offers without naming one: `offers` then holds every offer of the
          answered asks; "pair" where they name their offer: `offers` then holds just those, answered or not
    """

    kind: Literal["choice", "pair"]
    mailings: pa.Table
    offers: pa.Table

    def with_truth(self, meant: pa.Array) -> "TrainingRows":
        """The offers with what each meant (1.0 or 0.0) in place of the answers, as if all had been looked at."""
        told = {"answered": meant, "opened": pa.array(np.ones(len(meant)))}
        offers = self.offers
        for name, values in told.items():
            offers = offers.set_column(offers.schema.get_field_index(name), name, values)
        return TrainingRows(self.kind, self.mailings, offers)


def training_rows(
    club: Club, night: Night, kinds: tuple[str, ...] = ANSWERS, asks: ir.Table | None = None,
    tables: FeatureTables | None = None,
) -> TrainingRows:  # fmt: skip
    """All that the night may train on. `asks` (default: `training_asks`) may leave out members who may not be used;
    `tables` are their features, where they are there already. Rows are in the order of their keys, as the same rows in another
    order would give another model."""
    asks = keep(training_asks(club, night) if asks is None else asks)
    tables = tables or feature_tables(club, asks, kinds).kept()
    labelled = keep(answers(club, answers(club, asks, LOOKS, "opened"), kinds))
    mailings = _attach(mailing_rows(club, asks, tables), labelled.select(*ASK, "opened", "answered"), list(ASK))
    mailings = _as_they_are_learned(mailings).to_pyarrow()
    mailings = mailings.sort_by([(key, "ascending") for key in ASK])
    named = keep(offers_sent(club, asks))
    kind: Literal["choice", "pair"] = "choice"
    if 2 * named.select(*ASK).distinct().count().to_pyarrow().as_py() > mailings.num_rows:
        kind, pairs = "pair", named
    else:
        pairs = offered(club, labelled.filter(labelled.answered > 0).select(*asks.columns))
    rows = offer_answers(club, offer_rows(club, pairs, tables), LOOKS, "opened")
    offers = _as_they_are_learned(offer_answers(club, rows, kinds)).to_pyarrow()
    return TrainingRows(kind, mailings, offers.sort_by([(key, "ascending") for key in (*ASK, "offer_id")]))


def _as_they_are_learned(rows: ir.Table) -> ir.Table:
    """Amounts in the four bytes that the model reads of them: ten million rows are 5 GB of memory less."""
    return rows.cast({f.name: "float32" for f in FEATURES if f.name in rows.columns and not f.category})


def _attach(rows: ir.Table, features: ir.Table, keys: list[str]) -> ir.Table:
    joined = rows.left_join(features, keys)
    return joined.drop(*[f"{k}_right" for k in keys])


def _windows(campaigns: ir.Table, timezone: str, today: date) -> ir.Table:
    """(campaign_id, closes_at): the instant after the campaign's last day, counted in the club's own zone."""
    far = today + timedelta(days=3660)
    known = campaigns.select("campaign_id", "ends_on").to_pyarrow().to_pylist()
    rows = [
        {
            "campaign_id": r["campaign_id"],
            "closes_at": start_of_day(min(r["ends_on"], far) + timedelta(days=1), timezone),
        }
        for r in known
    ]
    return ibis.memtable(rows, schema=ibis.schema({"campaign_id": "string", "closes_at": "timestamp(6)"}))


def _midnights(sent: ir.Table, timezone: str) -> ir.Table:
    """(as_of, next): the local midnights from the first day of sending to the last."""
    span = sent.aggregate(first=sent.sent_at.min(), last=sent.sent_at.max()).to_pyarrow().to_pylist()[0]
    rows: list[dict[str, datetime]] = []
    if span["first"] is not None:
        day, last = span["first"].date() - timedelta(days=1), span["last"].date() + timedelta(days=1)
        while day <= last:
            following = day + timedelta(days=1)
            rows.append({"as_of": start_of_day(day, timezone), "next": start_of_day(following, timezone)})
            day = following
    return ibis.memtable(rows, schema=ibis.schema({"as_of": "timestamp(6)", "next": "timestamp(6)"}))


def _audience(club: Club, windows: ir.Table) -> ir.Table:
    """Windows x the campaign's audience; a campaign that names none is for every member."""
    # A plan may name who has not joined yet: until then not even service is for them.
    known = club.audiences.semi_join(club.members, "member_id")
    named = windows.inner_join(known, "campaign_id").select(*ASKS.names)
    everyone = windows.anti_join(club.audiences, "campaign_id").cross_join(club.members.select("member_id"))
    return named.union(everyone.select(*ASKS.names)).distinct()
