"""Nights of the invented club while it is lived: its tables as they stand on a Monday, read like any club's, and what the platform
decides of them as letters to its members. Who the members truly are is not known here.
"""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ibis.backends.duckdb import Backend

from ml.club import Club
from ml.night import Night
from ml.policy import Policy
from ml.quality import check_tables
from ml.rehearsal import Rehearsal
from resources.sources.folder import FolderSource
from resources.table_files import TableFiles
from simulator.people import CHANNELS
from simulator.plan import campaigns_of, day_of
from simulator.side_by_side import Letters, SideBySide
from simulator.tables import block_tables


def rehearsal(club: SideBySide, engine: Backend, policy: Policy, timezone: str, folder: Path) -> Rehearsal:
    """The night of the Monday at which the club stands. `folder` is written to, and gone afterwards."""
    night = Night(day_of(club.week), timezone)
    with TableFiles(folder) as files:
        files.append(club.club.shared_tables())
        for lived in club.lived():
            files.append(block_tables(lived))
    try:
        source = FolderSource(folder, engine, timezone)
        clean = check_tables(source.tables(), night.as_of, source.origins()).clean
        return Rehearsal.of(Club.of(clean), night, policy)
    finally:
        shutil.rmtree(folder)


def letters_of(ledger: pa.Table, club: SideBySide) -> Letters:
    """What a ledger (`ml.rehearsal.LEDGER`) of the week sends: of each message its best offer, as the invented club's messages carry
    one."""
    sent = ledger.filter(pc.equal(ledger["verdict"], "send")).sort_by([("slot", "ascending")]).to_pandas()
    sent = sent.drop_duplicates(["member_id", "campaign_id"])
    campaigns = campaigns_of(club.club.seed, club.week)
    number = {campaign.campaign_id: n for n, campaign in enumerate(campaigns)}
    place = {offer.offer_id: at for campaign in campaigns for at, offer in enumerate(campaign.offers)}
    return Letters(
        member=sent.member_id.str[1:].to_numpy().astype(np.int64),
        campaign=sent.campaign_id.map(number).to_numpy(dtype=np.int64),
        offer=sent.offer_id.map(place).to_numpy(dtype=np.int64),
        channel=sent.channel.map(CHANNELS.index).to_numpy(dtype=np.int64),
        propensity=sent.propensity.to_numpy(dtype=np.float64),
    )


def set_apart(ledger: pa.Table) -> np.ndarray:
    """Numbers of the members of whom the night does not ask what is relevant to them: those who may not be profiled, and the
    control group."""
    rows = ledger.select(["member_id", "mailing_relevance", "reason"]).to_pandas()
    apart = rows.reason.eq("CONTROL_GROUP") | rows.mailing_relevance.isna()
    return np.unique(rows.member_id[apart].str[1:].to_numpy().astype(np.int64))
