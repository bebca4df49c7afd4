"""A night in hand, without lake, registry or database: learn from a club's past and decide on the campaigns that begin, through the
same functions as the real night. What the real night keeps of it, and publishes, is not here.
"""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from ml.club import Club, visible
from ml.consent import may_be_profiled
from ml.decide import decide
from ml.examples import (
    TrainingRows,
    mailing_rows,
    night_asks,
    offer_rows,
    offered,
    training_asks,
    training_rows,
)
from ml.features import feature_tables
from ml.kept import keep
from ml.lake_tables import DECISIONS
from ml.model import RelevanceModel
from ml.night import Night
from ml.policy import Policy
from ml.scoring import score
from ml.training import fit_model
from ml.training_config import TrainingConfig
from ml.uplift import UPLIFT, purchases, uplift

VERSION = "rehearsed"
LEDGER = ibis.schema({name: DECISIONS.schema[name] for name in (
    "campaign_id", "member_id", "offer_id", "channel", "verdict", "reason", "slot", "relevance", "mailing_relevance", "threshold", "propensity",
)} | {"decided_at": "timestamp(6)"})  # fmt: skip


@dataclass(frozen=True)
class Rehearsal:
    """The past of a club as one night knows it, read once."""

    club: Club
    night: Night
    policy: Policy

    @classmethod
    def of(cls, club: Club, night: Night, policy: Policy) -> "Rehearsal":
        """club = all there is, with what comes after the night."""
        seen = visible(club, night)
        return cls(Club.of({name: keep(table) for name, table in seen.tables().items()}), night, policy)

    def examples(self) -> TrainingRows:
        """All mailings whose time to answer is over, of members who may be learned from."""
        asks = training_asks(self.club, self.night).semi_join(may_be_profiled(self.club, self.policy), "member_id")
        return training_rows(self.club, self.night, asks=asks)

    def learn(self, rows: TrainingRows, config: TrainingConfig) -> RelevanceModel:
        """A model of such examples. Raises TooFewExamples."""
        return fit_model(rows.mailings, rows.offers, self.night.as_of, config, rows.kind).model

    def rows(self, model: RelevanceModel) -> tuple[pa.Table, pa.Table]:
        """(mailings, offers) that a model is shown: the features of the campaigns that begin on the night, for their audiences as
        far as they may be profiled; in the order of campaigns, members and offers. Of mailings none where the model needs none."""
        profiled = keep(self._asks().semi_join(may_be_profiled(self.club, self.policy), "member_id"))
        tables = feature_tables(self.club, profiled)
        pairs = offer_rows(self.club, offered(self.club, profiled), tables)
        pairs = pairs.order_by(["campaign_id", "member_id", "offer_id"])  # an ask's offers are compared with each other
        mailings = mailing_rows(self.club, profiled, tables).to_pyarrow() if model.kind == "choice" else pa.table({})
        return mailings, pairs.to_pyarrow()

    def decide(
        self, rows: tuple[pa.Table, pa.Table], model: RelevanceModel, earlier: pa.Table | None = None
    ) -> pa.Table:
        """The ledger (`LEDGER`) of the campaigns that begin on the night: one row a member, offer and channel.

        rows      what `rows` gave
        earlier   such ledgers of the nights before, from which it is told what discounts add; None = not known
        """
        mailings, offers = (table.to_batches() for table in rows)
        scores = pa.Table.from_batches(score(model, mailings, offers, VERSION))
        ledger = decide(
            self.club, self.night, ibis.memtable(scores), self.policy, threshold=model.threshold,
            asks=self._asks().select("campaign_id", "member_id"), model_version=VERSION, uplift=self._uplift(earlier),
        )  # fmt: skip
        ledger = ledger.mutate(decided_at=ibis.literal(self.night.as_of, "timestamp(6)"))
        return ledger.select(*LEDGER.names).cast(LEDGER).to_pyarrow()

    def _asks(self) -> ir.Table:
        begun = self.club.campaigns.filter(self.club.campaigns.starts_on == self.night.business_date)
        return keep(night_asks(self.club, self.night).semi_join(begun, "campaign_id"))

    def _uplift(self, earlier: pa.Table | None) -> ir.Table | None:
        if earlier is None or not self.policy.chance.control_share:
            return None
        found = uplift(purchases(ibis.memtable(earlier), self.club, self.night, self.policy.sure_buyers))
        return ibis.memtable(found, schema=UPLIFT) if len(found) else None
