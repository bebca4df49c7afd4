"""A batch that has grown old, or whose consents have, is not shown; and the batches say so."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from resources.marts import Marts
from tests.batch_rows import a_batch, publish, reasks, rows
from tests.test_claims import TONIGHT

NOW = datetime.now(UTC).replace(tzinfo=None)
VIEWS = ("offer_table", "suppression_list", "reask_list", "campaign_summary")


def shown(marts: Marts) -> list[int]:
    return [rows(marts.engine, f"SELECT count(*) FROM marts.{view}")[0][0] for view in VIEWS]


def step(marts: Marts) -> tuple[str, str | None]:
    [(letter, why)] = rows(marts.engine, "SELECT fallback_step, hidden_because FROM marts.batches WHERE is_current")
    return letter, why


def aged(marts: Marts, hours: int) -> None:
    rows(
        marts.engine,
        f"UPDATE platform.batches SET published_at = published_at - interval '{hours} hours', "
        f"valid_until = valid_until - interval '{hours} hours'",
    )


@pytest.mark.parametrize(
    ("hours", "letter", "because", "offers_shown"),
    [
        (0, "A", None, 3),
        (30, "D", None, 3),
        (47, "D", None, 3),
        (49, "E", f"the batch of {TONIGHT} is too old to be sent", 0),
    ],
)
def test_tonights_batch_is_shown_for_two_days_and_says_when_a_night_was_missed(
    marts: Marts, hours: int, letter: str, because: str | None, offers_shown: int
) -> None:
    publish(marts, a_batch(TONIGHT, shown_hours=48.0), reasks=reasks("anna interest garden"))
    aged(marts, hours)
    assert step(marts) == (letter, because)
    assert shown(marts)[0] == offers_shown
    if because:
        assert shown(marts) == [0, 0, 0, 0]
        with pytest.raises(DBAPIError, match="nothing may be sent: the batch"):
            rows(marts.engine, "SELECT * FROM marts.claim('spring', 'email', 1)")


@pytest.mark.promise("R1")
@pytest.mark.parametrize(("hours", "offers_shown"), [(23, 3), (25, 0)])
def test_consents_older_than_the_policy_allows_empty_every_view(marts: Marts, hours: int, offers_shown: int) -> None:
    heard = NOW - timedelta(hours=hours)
    publish(marts, a_batch(TONIGHT, shown_hours=48.0, consents_until=heard, consents_hours=24.0))
    assert shown(marts)[0] == offers_shown
    if not offers_shown:
        assert shown(marts) == [0, 0, 0, 0]
        assert step(marts) == ("E", "the consents were last heard of too long ago")


def test_a_consent_feed_heard_since_shows_the_batch_again(marts: Marts) -> None:
    publish(marts, a_batch(TONIGHT, shown_hours=48.0, consents_until=NOW - timedelta(hours=25)))
    rows(marts.engine, "INSERT INTO live.feeds VALUES ('shop', now() - interval '1 hour')")
    assert shown(marts)[0] == 3


def test_a_night_of_the_past_has_its_own_date_and_no_end(marts: Marts) -> None:
    publish(marts)
    rows(marts.engine, "UPDATE platform.batches SET published_at = published_at - interval '9 years'")
    assert step(marts) == ("A", None)
    assert shown(marts)[0] == 3
    assert rows(marts.engine, "SELECT shown_until FROM marts.batches") == [(None,)]
