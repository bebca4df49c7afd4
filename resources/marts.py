"""Publishing into the marts, and reading back what was published. The single steps are in publishing.py, the rules a
batch must pass in publish_gate.py, the views in migrations/, files for marketers in exports.py.

Everything of a batch is written, checked and shown in one transaction, so that it is there whole or not at all. Only
the row that announces it, state `staging`, is committed before; the next publish removes it if its writer has died.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ml.errors import PublishRefused
from ml.policy_operations import Publishing
from ml.published_tables import CAMPAIGN_SUMMARY
from resources import publishing
from resources.arrow_copy import Rows
from resources.batches import Batch, Beside, Publication, StoredBatch, stored_batch
from resources.database import reaching
from resources.nights_before import check_against_nights_before
from resources.publish_gate import Decision, check_batch

logger = logging.getLogger(__name__)

# What publish does, in order; `on_step` hears of each when it is done.
STEPS = (
    "announced",
    "offers written",
    "suppressions written",
    "reasks written",
    "audience written",
    "locked",
    "checked",
    "shown",
    "committed",
)

Settle = Callable[[Connection], Decision]
OnStep = Callable[[str], None]


@dataclass(frozen=True)
class Marts:
    """The published tables of one database, which migrate has brought up to date. `limits` are those of the gate."""

    engine: Engine
    limits: Publishing = field(default_factory=Publishing)

    def take_token(self) -> int:
        """A fencing token, larger than any before. Taken when a run begins, it keeps an older run from undoing a newer."""
        with reaching(self.engine), self.engine.begin() as connection:
            return int(connection.execute(sa.text("SELECT nextval('platform.tokens')")).scalar_one())

    def begin_run(self, run_id: str) -> int:
        """The run's fencing token: that of its beginning, however often it is asked for."""
        query = """
            WITH begun AS (INSERT INTO platform.runs VALUES (:run, nextval('platform.tokens')) ON CONFLICT DO NOTHING RETURNING token)
            SELECT token FROM begun UNION ALL SELECT token FROM platform.runs WHERE run_id = :run LIMIT 1"""
        with reaching(self.engine), self.engine.begin() as connection:
            return int(connection.execute(sa.text(query), {"run": run_id}).scalar_one())

    def publish(
        self,
        batch: Batch,
        offers: Rows,
        suppressions: Rows,
        reasks: Rows,
        audience: Mapping[str, int],
        beside: Beside | None = None,
        *,
        supersede: bool = False,
        make_current: bool = False,
        token: int | None = None,
        on_step: OnStep = lambda step: None,
    ) -> Publication:
        """Publish one business date, or find that it has been published.

        offers, suppressions, reasks  rows with the columns of `columns_to_publish`; read once, batch by batch, and
                      fastest in the order of the view's key
        audience      campaign → members it was planned for; every campaign of the rows is in it
        beside        what the gate and the views need besides
        supersede     replace what was published for the date; without it a second publish changes nothing
        make_current  show it even though the current batch is for a later date
        token         from take_token, when the run began with one; else one is taken now
        on_step       hears of each of STEPS when it is done

        Raises PublishRefused (the gate, or a newer run: what stood before still stands), InputError for rows of
        another shape, DatabaseUnavailable.
        """
        with reaching(self.engine):
            number = self.take_token()
            fence = number if token is None else token

            def settle(connection: Connection) -> Decision:
                return publishing.settle(connection, batch, fence, supersede, make_current)

            if (already := self._published_before(batch, settle, fence)) is not None:
                return already
            with self.engine.begin() as connection:
                if removed := publishing.remove_dead(connection):
                    logger.warning("removed %d batches whose run had died", removed)
            rows = {}
            with self._writing(batch, number, fence) as connection:
                on_step("announced")
                for table, given in (("offers", offers), ("suppressions", suppressions), ("reasks", reasks)):
                    rows[table] = publishing.write_rows(connection, number, table, given)
                    on_step(f"{table} written")
                publishing.write_audience(connection, number, audience)
                publishing.write_beside(connection, number, beside or Beside())
                on_step("audience written")
                publishing.lock_publishing(connection)
                on_step("locked")
                decision = settle(connection)
                if decision.publish:
                    publishing.count_roughly(connection)
                    check_batch(connection, number, rows)
                    check_against_nights_before(connection, batch, number, self.limits)
                    on_step("checked")
                    publishing.make_published(connection, batch, number, rows)
                    if decision.make_current:
                        publishing.show(connection, number, fence if make_current else 0)
                    on_step("shown")
                else:
                    connection.rollback()
            if not decision.publish:
                return self._published_meanwhile(batch, settle, fence)
            on_step("committed")
            return Publication(batch.id(number), "published", decision.make_current, decision.reason, *rows.values())

    def published(self, business_date: date) -> StoredBatch | None:
        """The batch that stands for the date, or None."""
        return self._stored("m.state = 'published' AND m.business_date = :value", business_date)

    def current(self) -> StoredBatch | None:
        """The batch that the views show, or None before the first."""
        return self._stored("m.is_current = :value", True)

    def newest_before(self, business_date: date) -> date | None:
        """The newest date before it that stands published, or None."""
        query = "SELECT max(business_date) FROM platform.batches WHERE state = 'published' AND business_date < :date"
        with reaching(self.engine), self.engine.connect() as connection:
            found: date | None = connection.scalar(sa.text(query), {"date": business_date})
        return found

    def batch(self, batch_id: str) -> StoredBatch | None:
        """The batch of that id, in whatever state, or None."""
        return self._stored("m.batch_id = :value", batch_id)

    def summary(self, batch_id: str) -> pd.DataFrame:
        """Each campaign of a published batch in numbers, by the consents of this moment: the columns of
        marts.campaign_summary, by_reason as a dict. Without rows when the batch does not stand."""
        query = f"""
            SELECT {", ".join(CAMPAIGN_SUMMARY.names)} FROM platform.summaries_now
            WHERE batch = (SELECT batch FROM platform.batches WHERE batch_id = :batch_id) ORDER BY campaign_id"""
        with reaching(self.engine), self.engine.connect() as connection:
            rows = connection.execute(sa.text(query), {"batch_id": batch_id}).all()
        return pd.DataFrame([tuple(row) for row in rows], columns=list(CAMPAIGN_SUMMARY.names))

    def _stored(self, condition: str, value: object) -> StoredBatch | None:
        query = (
            f"SELECT m.*, b.fingerprint FROM marts.batches m JOIN platform.batches b USING (batch_id) WHERE {condition}"
        )
        with reaching(self.engine), self.engine.connect() as connection:
            row = connection.execute(sa.text(query), {"value": value}).mappings().first()
            return stored_batch(dict(row)) if row else None

    def _published_before(self, batch: Batch, settle: Settle, fence: int) -> Publication | None:
        """The answer when there is nothing to publish; at most the pointer moves, where that was asked for."""
        with self.engine.begin() as connection:
            publishing.lock_publishing(connection)
            decision = settle(connection)
            if not decision.publish and decision.make_current:
                publishing.show_date(connection, batch, fence)
        there = None if decision.publish else self.published(batch.business_date)
        if there is None:
            return None
        rows = (there.offer_rows, there.suppression_rows, there.reask_rows)
        return Publication(there.batch_id, "already_published", there.is_current, decision.reason, *rows)

    def _published_meanwhile(self, batch: Batch, settle: Settle, fence: int) -> Publication:
        already = self._published_before(batch, settle, fence)
        if already is None:
            raise PublishRefused(f"{batch.business_date} was published and withdrawn by others meanwhile: run again")
        return already

    @contextmanager
    def _writing(self, batch: Batch, number: int, fence: int) -> Iterator[Connection]:
        """A transaction for one batch, announced as staging while it lasts, and committed at the end."""
        with self.engine.connect() as connection:
            publishing.mark_as_writing(connection, number)
            try:
                with self.engine.begin() as other:
                    publishing.announce(other, batch, number, fence)
                yield connection
                self._commit(connection, batch.id(number))
            finally:
                if not connection.invalidated and connection.connection.dbapi_connection.closed:  # type: ignore[union-attr]
                    connection.invalidate()
                connection.rollback()
                with self.engine.begin() as other:
                    publishing.withdraw(other, number)

    def _commit(self, connection: Connection, batch_id: str) -> None:
        """Commit. Where the connection is lost before the answer comes, look whether it happened, and never do it twice."""
        try:
            connection.commit()
        except DBAPIError:
            stored = self.batch(batch_id)
            if stored is None or stored.state != "published":
                raise
