"""What happened to one block of members, event by event, before it becomes tables."""

from dataclasses import dataclass, field

import numpy as np

from simulator.pieces import Log

KINDS = ("open", "click", "redeem", "unsubscribe", "complaint")
OPEN, CLICK, REDEEM, UNSUBSCRIBE, COMPLAINT = range(len(KINDS))


def _log(**columns: type) -> Log:
    return Log(member=np.int32, second=np.int64, **columns)


def _lines() -> Log:
    return _log(receipt=np.int64, subcategory=np.int16, tier=np.int8, quantity=np.int8, shelf=np.float32,
                coupon=np.float32, sales_channel=np.int8, store=np.int8)  # fmt: skip


@dataclass
class Diary:
    """Columns shared by all: member, its index in the block; second, of club_time.py; offer, counted over all offers since
    the first week lived.

    lines        what was bought; shelf and coupon are shares of the price; a return has a negative quantity
    responses    kind is an index into KINDS
    taken_back   consents withdrawn; channel is an index into CHANNELS, one past the last = all
    feedback     refused, or wished for; scope 0 = the offer's subcategory, 1 = its category
    """

    lines: Log = field(default_factory=_lines)
    mailings: Log = field(default_factory=lambda: _log(offer=np.int32, channel=np.int8, propensity=np.float64))
    responses: Log = field(default_factory=lambda: _log(offer=np.int32, kind=np.int8))
    taken_back: Log = field(default_factory=lambda: _log(channel=np.int8))
    feedback: Log = field(default_factory=lambda: _log(offer=np.int32, scope=np.int8, refused=np.bool_))
    cases: Log = field(default_factory=lambda: _log(closed=np.int64))
