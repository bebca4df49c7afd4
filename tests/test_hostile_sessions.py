"""What a reader, a mailing tool or a page could make of the database with means of their own."""

import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from resources.marts import Marts
from tests.batch_rows import offers, publish, rows
from tests.test_claims import claim, tonight
from tests.test_roles import as_role

TELLS = """
CREATE FUNCTION pg_temp.tells(member text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    IF member = 'anna' THEN RAISE EXCEPTION 'anna is in it'; END IF;
    RETURN true;
END $$"""


@pytest.mark.promise("R1")
@pytest.mark.promise("R5")
@pytest.mark.parametrize("view", ["offer_table", "offer_history"])
def test_a_readers_own_function_is_not_asked_about_who_has_opted_out(marts: Marts, view: str) -> None:
    publish(marts)
    rows(marts.engine, "SELECT marts.opt_out('anna')")
    with marts.engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL ROLE hemsil_marketer"))
        connection.execute(sa.text(TELLS))
        query = sa.text(f"SELECT DISTINCT member_id FROM marts.{view} WHERE pg_temp.tells(member_id)")
        assert connection.scalars(query).all() == ["berit"]
        connection.rollback()


def test_a_campaign_is_still_looked_up_among_the_rows_and_not_after_all_of_them_were_read(marts: Marts) -> None:
    publish(marts)
    plan = rows(marts.engine, "EXPLAIN SELECT * FROM marts.offer_table WHERE campaign_id = 'spring'")
    conditions = [line for (line,) in plan if "spring" in line]
    assert conditions, plan
    assert not any("Filter: (offer_table.campaign_id" in line for line in conditions)


@pytest.mark.promise("R6")
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_mailing_tool_that_would_not_see_the_last_opt_outs_is_refused(marts: Marts, level: str) -> None:
    tonight(marts)
    with marts.engine.connect().execution_options(isolation_level=level) as connection:
        connection.execute(sa.text("SELECT 1 FROM marts.batches"))  # from here on it sees what stands now
        rows(marts.engine, "SELECT marts.opt_out('anna')")
        with pytest.raises(DBAPIError, match="claim at isolation level read committed"):
            connection.execute(sa.text("SELECT * FROM marts.claim('spring', 'email', 5)"))
    assert [member for _, member, _ in claim(marts)] == ["berit"]


def test_a_page_that_hangs_after_an_opt_out_is_sent_away_so_that_others_are_heard(marts: Marts) -> None:
    with marts.engine.connect() as connection:
        connection.execute(sa.text("SELECT marts.opt_out('anna')"))
        assert connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout")) == "1min"
        connection.commit()
        assert connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout")) == "0"
        connection.execute(sa.text("SET idle_in_transaction_session_timeout = '5s'"))  # who is stricter stays so
        connection.execute(sa.text("SELECT marts.opt_out('anna')"))
        assert connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout")) == "5s"
        connection.execute(sa.text("RESET idle_in_transaction_session_timeout"))
        connection.rollback()


@pytest.mark.promise("R3")
@pytest.mark.parametrize("written", ["  anna", "anna ", "\tanna\r\n"])
def test_an_opt_out_whose_id_has_spaces_around_it_is_heeded(marts: Marts, written: str) -> None:
    publish(marts, offers=offers("anna 1 spring email 0.5\n berit 1 spring email 0.1"), audience={"spring": 3})
    rows(marts.engine, "SELECT marts.opt_out(:member)", member=written)
    assert rows(marts.engine, "SELECT member_id FROM marts.offer_table") == [("berit",)]


@pytest.mark.parametrize("when", ["infinity", "-infinity", "20000-01-01", "4713-01-01 BC"])
def test_a_time_that_no_calendar_of_ours_can_tell_is_heeded_and_can_be_read(marts: Marts, when: str) -> None:
    publish(marts)
    rows(marts.engine, "SELECT marts.opt_out('anna', recorded_at => CAST(:when AS timestamptz))", when=when)
    assert rows(marts.engine, "SELECT member_id FROM marts.offer_table") == [("berit",)]
    [(said,)] = rows(marts.engine, "SELECT recorded_at FROM live.events")
    assert said.year in (1880, 9999)
    assert rows(marts.engine, "SELECT live.first_fault('live.events')") == [(None,)]


def test_names_of_a_sessions_own_do_not_stand_before_ours(marts: Marts) -> None:
    publish(marts)
    with marts.engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL ROLE hemsil_web"))
        for statement in (
            "CREATE TEMP TABLE events (member_id text, kind text, channel text, recorded_at timestamptz, source text) ON COMMIT DROP",
            "CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz RETURN '2000-01-01'::timestamptz",
            "SET LOCAL search_path = pg_temp, pg_catalog",
            "SELECT marts.opt_out('anna')",
        ):
            connection.execute(sa.text(statement))
    assert rows(marts.engine, "SELECT DISTINCT member_id FROM marts.offer_table") == [("berit",)]
    with pytest.raises(DBAPIError) as denied:
        as_role(marts, "hemsil_web", "CREATE FUNCTION marts.opt_out(member text) RETURNS bigint RETURN 1")
    assert isinstance(denied.value.orig, psycopg2.errors.InsufficientPrivilege)
