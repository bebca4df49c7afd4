"""What a source is, and what every source has in common: the refusal of missing tables, and its default night.
Each kind of source has a file of its own beside this one.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import ibis.expr.types as ir

from ml.errors import ContractError
from ml.night import start_of_day
from ml.reading import read
from ml.source_tables import MAILINGS, RESPONSES, SOURCE_TABLES, TRANSACTIONS

EVENTS = (TRANSACTIONS, MAILINGS, RESPONSES)


class ClubSource(Protocol):
    """Where a club's own tables come from.

    name                   the kind: "complete-journey", "folder", "database"
    timezone               the club's IANA time zone, in which a business date begins
    first_date, last_date  the business dates it can be asked for; None = open
    backtest_from          first campaign start that a backtest looks at unless told otherwise; None = all of the past
    note                   what must be said wherever its figures are shown; "" = nothing
    """

    name: str
    timezone: str
    first_date: date | None
    last_date: date | None
    backtest_from: date | None
    note: str

    def default_business_date(self, today: date) -> date:
        """The business date of a night that was asked for without one; never later than `today`."""
        ...

    def tables(self) -> dict[str, ir.Table]:
        """The tables as they are, named as in the contract, with columns of any type and unknown columns included.
        Optional tables that the club does not record are left out.

        Raises ContractError naming every required table that is missing, SourceUnavailable when one cannot be read.
        """
        ...

    def origins(self) -> Mapping[str, str]:
        """Where each table was found, for messages: {"members": "members.csv"}."""
        ...

    def delivered(self) -> Mapping[str, datetime]:
        """When each table was last handed over, UTC without zone, which the newest row of a quiet club cannot tell. A table of
        which that is not known is left out. Ask before `tables`: what is handed over in between is then not taken for read.

        Raises ContractError, SourceUnavailable.
        """
        ...


def require_tables(found: Collection[str], where: str) -> None:
    """Raises ContractError naming every required table that is not among the found ones."""
    missing = [t.name for t in SOURCE_TABLES if not t.optional and t.name not in found]
    if missing:
        raise ContractError(f"{where} has no table " + ", ".join(missing))


def day_after_newest_event(tables: Mapping[str, ir.Table], timezone: str, today: date) -> date:
    """The day after the newest purchase, mailing or response: the night that follows what a club's tables tell.

    Times later than `today` are mistakes and do not count. `today` where there is no event at all.
    """
    end_of_today = start_of_day(today + timedelta(days=1), timezone)
    found = []
    for definition in EVENTS:
        column = definition[definition.known_from]
        table = tables[definition.name]
        reading = read(table[column.name], column.type) if column.name in table.columns else None
        if reading is not None:  # otherwise the check of the tables says what is wrong
            times = table.select(at=reading.value)
            found.append(times.filter(times["at"] < end_of_today)["at"].max().to_pyarrow().as_py())
    newest = max((at for at in found if at is not None), default=None)
    if newest is None:
        return today
    local = newest.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone))
    return min(local.date() + timedelta(days=1), today)
