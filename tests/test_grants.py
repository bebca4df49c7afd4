"""What is granted in the database is told whole, and what goes further than a role's own work is found."""

import pytest
import sqlalchemy as sa

from resources.grants import Grant, excesses, grants, ledgers_unguarded
from resources.marts import Marts


@pytest.mark.promise("R14")
def test_after_the_migrations_no_role_may_do_more_than_its_own_work(marts: Marts) -> None:
    with marts.engine.connect() as connection:
        assert list(excesses(connection)) == []
        assert ledgers_unguarded(connection) == []


@pytest.mark.promise("R14")
@pytest.mark.parametrize(
    ("granted", "who", "told"),
    [
        ("GRANT SELECT ON live.events TO PUBLIC", "PUBLIC", "SELECT on live.events"),
        (
            "GRANT SELECT (member_id) ON live.events TO hemsil_marketer",
            "hemsil_marketer",
            "SELECT on live.events.member_id",
        ),
        ("GRANT CREATE ON SCHEMA marts TO hemsil_web", "hemsil_web", "CREATE on marts.(the schema)"),
        (
            "GRANT EXECUTE ON FUNCTION marts.give_back TO hemsil_web",
            "hemsil_web",
            "EXECUTE on marts.give_back(claims bigint[])",
        ),
        ("CREATE FUNCTION marts.mine() RETURNS int RETURN 1", "PUBLIC", "EXECUTE on marts.mine()"),
        ("GRANT TRUNCATE ON platform.offers TO hemsil_writer", "hemsil_writer", "TRUNCATE on platform.offers"),
        (
            "GRANT hemsil_writer TO hemsil_marketer",
            "hemsil_marketer",
            "hemsil_marketer may do all that hemsil_writer may",
        ),
        ("ALTER ROLE hemsil_mailer SUPERUSER", "hemsil_mailer", "superuser"),
        ("ALTER ROLE hemsil_owner LOGIN", "hemsil_owner", "may log in"),
    ],
)
def test_whatever_was_granted_too_much_is_found_and_the_statement_that_mends_it_does(
    marts: Marts, granted: str, who: str, told: str
) -> None:
    with marts.engine.connect() as connection:
        connection.execute(sa.text(granted))
        [(role, what, mend)] = excesses(connection)
        assert (role, what) == (who, told)
        connection.execute(sa.text(mend))
        assert list(excesses(connection)) == []
        connection.rollback()


def test_a_ledger_whose_guards_are_off_is_named(marts: Marts) -> None:
    with marts.engine.connect() as connection:
        connection.execute(sa.text("ALTER TABLE live.feedback DISABLE TRIGGER never_removed"))
        assert ledgers_unguarded(connection) == ["live.feedback"]
        connection.rollback()


def test_grants_tell_everybody_single_columns_and_members(marts: Marts) -> None:
    with marts.engine.begin() as connection:
        connection.execute(sa.text("GRANT SELECT (campaign_id) ON platform.offers TO PUBLIC"))
        connection.execute(sa.text("CREATE ROLE a_colleague IN ROLE hemsil_marketer"))
    try:
        told = grants(marts.engine)
    finally:
        with marts.engine.begin() as connection:
            connection.execute(sa.text("REVOKE SELECT (campaign_id) ON platform.offers FROM PUBLIC"))
            connection.execute(sa.text("DROP ROLE a_colleague"))
    assert Grant("PUBLIC", "platform", "offers.campaign_id", "SELECT") in told
    assert Grant("a_colleague", "", "(all that hemsil_marketer may)", "member") in told
    assert (
        Grant("hemsil_mailer", "marts", "confirm(claims bigint[], sent_at timestamp with time zone)", "EXECUTE") in told
    )
