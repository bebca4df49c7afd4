"""What a member says to the people of the club, put into the ledger and read back before it is called done."""

import sqlalchemy as sa

from ml.errors import SettingsError
from ml.source_tables import CHANNELS, MEMBERS
from resources.database import reaching
from resources.platform import Platform

_SHOWN = "SELECT count(*) FROM marts.offer_table WHERE member_id = :member"
_STANDS = "SELECT EXISTS (SELECT FROM live.events WHERE event_id = :event AND kind = 'opt_out')"


def objects(platform: Platform, member: str, channel: str = "all") -> int:
    """Record an objection and give how many of the member's offers it stopped. Raises SettingsError, DatabaseUnavailable."""
    if not member.strip():
        raise SettingsError("name the member who objects")
    if channel not in ("all", *CHANNELS):
        raise SettingsError(f"there is no channel {channel}; there are all, {', '.join(CHANNELS)}")
    engine, who = platform.marts.engine, {"member": member}
    with reaching(engine):
        with engine.begin() as connection:
            before = connection.scalar(sa.text(_SHOWN), who)
            said = {**who, "channel": channel}
            event = connection.scalar(sa.text("SELECT marts.opt_out(:member, :channel, 'objection')"), said)
        with engine.connect() as connection:
            if not connection.scalar(sa.text(_STANDS), {"event": event}):
                raise SettingsError("the objection was not recorded: say it again")
            after = connection.scalar(sa.text(_SHOWN), who)
    return int(before or 0) - int(after or 0)


def silence(platform: Platform, member: str) -> None:
    """Stop everything to a member, messages of service too, which an objection to marketing leaves alone. Raises
    SettingsError, DatabaseUnavailable."""
    for channel in ("all", *CHANNELS):
        objects(platform, member, channel)


def is_known(platform: Platform, member: str) -> bool:
    """Whether the newest night knew such a member. Raises DamagedTable."""
    dates = platform.lake.dates(MEMBERS.name)
    if not dates:
        return True
    members = platform.lake.read(MEMBERS, dates[-1])
    return bool(members.filter(members.member_id == member).count().to_pyarrow().as_py())
