"""The invented club with a hundred offers running on its last Monday, for everybody: what `hemsil simulate` makes, with its
running campaigns ended and a hundred offers of its coming ones in their place. Nothing is measured here.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from resources.table_files import TableFiles
from simulator.club import InventedClub
from simulator.plan import LAST_MONDAY, plan_tables
from simulator.tables import block_tables

NIGHT = LAST_MONDAY
CAMPAIGNS, OFFERS_EACH = 10, 10
SEED, WEEKS = 1, 52
_COMING = 60  # weeks after the night, from which the offers are taken
_CHANNELS = (["email"], ["email", "sms"], ["push", "email"], ["post"])


def write_club(members: int, folder: Path) -> None:
    """Write the club's tables as files into a new folder, block by block. The club of more members begins with those of a
    smaller one."""
    club = InventedClub(members, SEED, WEEKS)
    plan = _with_the_hundred(club.shared_tables())
    known = plan["campaigns"]["campaign_id"].combine_chunks()
    with TableFiles(folder) as tables:
        tables.append(plan)
        for block in range(club.block_count):
            lived = block_tables(club.live_block(block))
            planned = lived["audiences"]
            begun = pc.is_in(planned["campaign_id"].cast(pa.string()), value_set=known)
            tables.append({**lived, "audiences": planned.filter(begun)})


def _with_the_hundred(shared: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The plan up to the night, whose campaigns are over then, and ten campaigns of ten offers, planned for every member."""
    past = shared["campaigns"].filter(pc.field("starts_on") < pa.scalar(NIGHT))
    ends = pc.min_element_wise(past["ends_on"], pa.scalar(NIGHT - timedelta(days=1)))
    past = past.set_column(past.schema.get_field_index("ends_on"), "ends_on", ends)
    offers = _of(shared["offers"], "campaign_id", past["campaign_id"])
    products = _of(shared["offer_products"], "offer_id", offers["offer_id"])
    campaigns, coming, about = _the_hundred()
    return {
        **shared,
        "campaigns": pa.concat_tables([past, campaigns.cast(past.schema)]),
        "offers": pa.concat_tables([offers, coming.cast(offers.schema)]),
        "offer_products": pa.concat_tables([products, about.cast(products.schema)]),
    }


def _the_hundred() -> tuple[pa.Table, pa.Table, pa.Table]:
    """campaigns, offers and offer_products of the night."""
    plan = plan_tables(SEED, 1, _COMING)
    marketing = plan["campaigns"].filter(pc.field("message_class") == "marketing")
    offers = _of(plan["offers"], "campaign_id", marketing["campaign_id"]).slice(0, CAMPAIGNS * OFFERS_EACH)
    names = [f"now-{n}" for n in range(CAMPAIGNS)]
    of = pa.array([names[n // OFFERS_EACH] for n in range(offers.num_rows)])
    offers = offers.set_column(offers.schema.get_field_index("campaign_id"), "campaign_id", of)
    campaigns = pa.table({
        "campaign_id": names, "name": names, "kind": ["discount"] * CAMPAIGNS, "message_class": ["marketing"] * CAMPAIGNS,
        "starts_on": [NIGHT] * CAMPAIGNS, "ends_on": [NIGHT + timedelta(days=13)] * CAMPAIGNS,
        "channels": pa.array([_CHANNELS[n % len(_CHANNELS)] for n in range(CAMPAIGNS)], pa.list_(pa.string())),
    })  # fmt: skip
    return campaigns, offers, _of(plan["offer_products"], "offer_id", offers["offer_id"])


def _of(table: pa.Table, column: str, values: pa.ChunkedArray) -> pa.Table:
    return table.filter(pc.is_in(table[column], value_set=values.combine_chunks()))
