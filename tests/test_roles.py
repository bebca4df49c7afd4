"""Each role of the database may do its own work and nothing else."""

import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from resources.marts import Marts
from tests.batch_rows import a_batch, offers, publish, rows, suppressions
from tests.test_claims import STILL_ON, TONIGHT

WHO = "SELECT member_id, campaign_id FROM marts.offer_table ORDER BY 1, 2"
BASE = (
    "platform.offers",
    "platform.suppressions",
    "platform.batches",
    "platform.pointer",
    "platform.offers_now",
    "live.events",
    "live.feedback",
    "live.claims",
    "live.erased",
)
VIEWS = "marts.offer_table", "marts.suppression_list", "marts.reask_list", "marts.campaign_summary", "marts.batches"


def as_role(marts: Marts, role: str, statement: str) -> None:
    with marts.engine.begin() as connection:
        connection.execute(sa.text(f"SET LOCAL ROLE {role}"))
        connection.execute(sa.text(statement))


@pytest.mark.promise("R14")
def test_the_marketer_reads_the_views_and_nothing_behind_them(marts: Marts) -> None:
    publish(marts)
    rows(marts.engine, "SELECT marts.opt_out('anna', 'sms')")
    for view in (*VIEWS, "marts.offer_history", "marts.suppression_history"):
        as_role(marts, "hemsil_marketer", f"SELECT * FROM {view}")
    forbidden = [f"SELECT * FROM {table}" for table in BASE]
    forbidden += [f"TRUNCATE {table}" for table in BASE[:4]]
    forbidden += ["DROP VIEW marts.offer_table", "SELECT marts.opt_in('anna', 'sms')"]
    forbidden += [
        "CREATE TABLE marts.mine (x int)",
        "SELECT platform.grant_roles()",
        "SELECT marts.claim('spring', 'email', 1)",
    ]
    for statement in forbidden:
        with pytest.raises(DBAPIError) as denied:
            as_role(marts, "hemsil_marketer", statement)
        assert isinstance(denied.value.orig, psycopg2.errors.InsufficientPrivilege), statement


@pytest.mark.promise("R14")
def test_the_web_records_what_members_say_and_reads_nothing(marts: Marts) -> None:
    publish(marts)
    as_role(marts, "hemsil_web", "SELECT marts.opt_out('anna')")
    assert rows(marts.engine, WHO) == [("berit", "spring")]
    for statement in [f"SELECT * FROM {table}" for table in (*BASE, *VIEWS)] + [
        "SELECT marts.claim('spring', 'email', 1)",
        "INSERT INTO live.events (member_id, kind, channel, recorded_at, source) VALUES ('a', 'opt_in', 'all', now(), 'x')",
    ]:
        with pytest.raises(DBAPIError) as denied:
            as_role(marts, "hemsil_web", statement)
        assert isinstance(denied.value.orig, psycopg2.errors.InsufficientPrivilege), statement


@pytest.mark.promise("R14")
def test_the_mailer_claims_and_confirms_and_reads_nothing_else(marts: Marts) -> None:
    publish(marts, a_batch(TONIGHT), offers=offers("anna 1 spring email 0.5", **STILL_ON), audience={"spring": 2})
    as_role(marts, "hemsil_mailer", "SELECT marts.confirm(array_agg(claim_id)) FROM marts.claim('spring', 'email', 5)")
    assert rows(marts.engine, "SELECT count(*) FROM live.claims WHERE sent_at IS NOT NULL") == [(1,)]
    for statement in [f"SELECT * FROM {table}" for table in (*BASE, *VIEWS)] + ["SELECT marts.opt_in('anna')"]:
        with pytest.raises(DBAPIError) as denied:
            as_role(marts, "hemsil_mailer", statement)
        assert isinstance(denied.value.orig, psycopg2.errors.InsufficientPrivilege), statement


@pytest.mark.promise("R14")
def test_everything_belongs_to_an_owner_who_cannot_log_in(marts: Marts) -> None:
    owners = """
        SELECT DISTINCT r.rolname, r.rolcanlogin, r.rolsuper FROM pg_roles r JOIN (
            SELECT relowner AS owner, relnamespace AS schema FROM pg_class
            UNION ALL SELECT proowner, pronamespace FROM pg_proc UNION ALL SELECT nspowner, oid FROM pg_namespace) x ON owner = r.oid
        WHERE schema IN ('marts'::regnamespace, 'live'::regnamespace, 'platform'::regnamespace)"""
    assert rows(marts.engine, owners) == [("hemsil_owner", False, False)]


@pytest.mark.promise("R14")
def test_the_writer_publishes_and_cannot_touch_the_ledger(marts: Marts) -> None:
    for statement in (
        "INSERT INTO live.events (member_id, kind, channel, recorded_at, source) VALUES ('a', 'opt_in', 'all', now(), 'x')",
        "DELETE FROM live.events",
        "TRUNCATE platform.offers",
        "DROP TABLE platform.offers",
    ):
        with pytest.raises(DBAPIError) as denied:
            as_role(marts, "hemsil_writer", statement)
        assert isinstance(denied.value.orig, psycopg2.errors.InsufficientPrivilege), statement
    url = marts.engine.url
    rows(marts.engine, "DROP ROLE IF EXISTS nightly_job")
    rows(marts.engine, "CREATE ROLE nightly_job LOGIN IN ROLE hemsil_writer")
    try:
        engine = sa.create_engine(url.set(username="nightly_job"))
        assert publish(Marts(engine), suppressions=suppressions("carl spring LOW_RELEVANCE")).state == "published"
        engine.dispose()
    finally:
        rows(marts.engine, "DROP ROLE nightly_job")
    assert rows(marts.engine, "SELECT count(*) FROM marts.offer_table") == [(3,)]
