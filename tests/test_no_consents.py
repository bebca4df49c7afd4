"""A club that hands in no consents is told so before anything is worked out."""

from tests.installation import installation
from tests.small_club import small_club
from tests.whole_night import NIGHT

REFUSED = "the club has no consents table, and who consented is never guessed: add the table, or set consent.assume"


def test_a_club_without_a_consents_table_is_refused_by_the_first_step_that_reads_its_tables() -> None:
    with installation() as at:
        at.hand_in({name: frame for name, frame in small_club().items() if name != "consents"})
        answer = at.call("nightly", "--as-of", NIGHT)
        assert (answer.code, REFUSED in answer.text) == (2, True), answer.text
        assert not [*(at.home / "lake").glob("*/business_date=*")]
        assert at.rows("SELECT batch_id FROM marts.batches") == []
