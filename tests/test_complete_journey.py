"""The Complete Journey as a source: the package's rows are all there, in the contract's terms. What it has in common with
other sources is told in source_contract.py.
"""

from datetime import date

import pytest
from ibis.backends.duckdb import Backend

from ml.club import Club, visible
from ml.night import Night
from ml.quality import Checked, watermarks
from resources.sources import ClubSource, open_source
from tests.clubs import TIMEZONE
from tests.source_contract import TODAY, SourceContract, column


class TestCompleteJourney(SourceContract):
    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, engine: Backend) -> ClubSource:
        return open_source("complete-journey", engine, TIMEZONE)

    def test_every_row_of_the_package_is_there(self, checked: Checked) -> None:
        assert checked.counts == {
            "members": (2_469, 0),
            "stores": (457, 0),
            "products": (92_351, 0),  # 92,331 listed, 20 only bought or on a coupon
            "campaigns": (27, 0),
            "offers": (1_197, 0),
            "offer_products": (111_332, 0),
            "audiences": (6_589, 0),
            "declared_facts": (5_237, 0),
            "transactions": (1_469_307, 0),
            "mailings": (6_589, 0),
            "responses": (2_102, 0),
        }

    def test_it_has_its_own_zone_night_and_note(self, source: ClubSource) -> None:
        assert source.timezone == "America/New_York"
        assert source.default_business_date(TODAY) == date(2017, 10, 30)
        assert "simulated" in source.note

    def test_a_redemption_falls_on_a_day_on_which_the_member_shopped(self, checked: Checked) -> None:
        """All of them do: days are New York's, of purchases and of redemptions."""
        bought, redeemed = checked.clean["transactions"], checked.clean["responses"]
        night = "America/New_York"
        days = bought.select("member_id", "occurred_at").distinct().to_pandas()
        days["day"] = days.occurred_at.dt.tz_localize("UTC").dt.tz_convert(night).dt.date
        answers = redeemed.select("member_id", "occurred_at").to_pandas()
        answers["day"] = answers.occurred_at.dt.tz_localize("UTC").dt.tz_convert(night).dt.date
        shopped = set(zip(days.member_id, days.day, strict=True))
        assert sum(pair not in shopped for pair in zip(answers.member_id, answers.day, strict=True)) == 0

    def test_a_mailing_is_known_from_the_night_after_its_campaign_starts(self, checked: Checked) -> None:
        """Campaign 18 starts on 30 October 2017: its list is known that night, its mailings are not sent yet."""

        def known(day: date) -> tuple[int, int, int]:
            club = visible(Club.of(checked.clean), Night(day, "America/New_York"))
            return tuple(
                int(t.filter(t.campaign_id == "18").count().to_pyarrow().as_py())
                for t in (club.campaigns, club.audiences, club.mailings)
            )  # type: ignore[return-value]

        assert known(date(2017, 10, 29)) == (0, 0, 0)
        assert known(date(2017, 10, 30)) == (1, 1133, 0)
        assert known(date(2017, 10, 31)) == (1, 1133, 1133)

    def test_titles_can_be_read(self, checked: Checked) -> None:
        titles = set(column(checked, "offers", "title"))
        assert {"Coupon: BODY WASH", "Coupon: VEGETABLES - SHELF STABLE and 3 other categories"} <= titles

    def test_the_newest_known_times(self, checked: Checked) -> None:
        assert watermarks(checked.clean) == {
            "campaigns": "2017-12-28",
            "declared_facts": "2016-12-31T00:00:00Z",
            "transactions": "2018-01-01T04:01:20Z",
            "mailings": "2017-12-28T05:00:00Z",
            "responses": "2017-12-31T17:00:00Z",
        }
