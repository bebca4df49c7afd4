"""The night: one business date of the club, and the instant before which everything it may know has happened."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Night:
    """The work for one business date, the club's local calendar date on which its messages are valid.

    >>> Night(date(2017, 10, 30), "America/New_York").as_of
    datetime.datetime(2017, 10, 30, 4, 0)
    """

    business_date: date
    timezone: str

    @property
    def as_of(self) -> datetime:
        """Midnight at which the business date begins, UTC without zone. Known is what happened strictly before it."""
        return start_of_day(self.business_date, self.timezone)

    @property
    def key(self) -> str:
        """The partition key, `YYYY-MM-DD`."""
        return self.business_date.isoformat()


def start_of_day(day: date, timezone: str) -> datetime:
    """The first instant of a local calendar date, as UTC without zone (days may have 23 or 25 hours)."""
    local = datetime.combine(day, time(), ZoneInfo(timezone))
    return local.astimezone(UTC).replace(tzinfo=None)
