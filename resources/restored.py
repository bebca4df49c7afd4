"""A database that was restored from a backup, brought up to what is known outside of it before its views open: what members
have said since is heard again, and whoever has been erased since is taken out again.
"""

import logging

import sqlalchemy as sa

from resources.database import reaching
from resources.erasure import erased_members
from resources.platform import Platform

logger = logging.getLogger(__name__)

_MEMBERS = ("platform.offers", "platform.suppressions", "platform.reasks", "platform.said", "live.claims", "live.events",
            "live.feedback", "live.preferences")  # fmt: skip


def settle_ledger(platform: Platform) -> str:
    """Hear again what the database has forgotten, or else copy what is new of it. What was done in words, "" where the database
    had forgotten nothing. Raises DatabaseUnavailable, SettingsError, DamagedTable.
    """
    copy = platform.ledger_copy
    why = copy.behind()
    if not why:
        copy.keep()
        return ""
    added = copy.hear_again()
    gone = _erase_again(platform)
    told = ", ".join(f"{ledger} {rows}" for ledger, rows in sorted(added.items())) or "nothing was missing"
    words = f"{why}: heard again what was said since ({told}); members erased again: {gone}"
    logger.warning(words)
    return words


def _erase_again(platform: Platform) -> int:
    """Erased members whom the backup has brought back, taken out again."""
    from resources.forget import forget

    engine = platform.marts.engine
    erased = erased_members(engine, platform.settings.erasure_key)
    if not erased.digests:
        return 0
    query = " UNION ".join(f"SELECT member_id FROM {table}" for table in _MEMBERS)
    with reaching(engine), engine.connect() as connection:
        back = [member for member in connection.scalars(sa.text(query)) if erased.has(member)]
    for member in back:
        forget(platform, member)
    return len(back)
