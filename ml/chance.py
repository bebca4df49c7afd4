"""Chance that is the same every time: a draw is a digest of the seed and what it is for, so order, sharding and engine
change nothing. Every random choice of a night is made here.
"""

import ibis
import ibis.expr.types as ir


def draw(seed: int, purpose: str, *ids: ir.StringValue) -> ir.StringValue:
    """32 hexadecimal digits, evenly spread over the ids; they order as well as they compare with `chosen`."""
    text = ibis.literal(f"{seed}|{purpose}")
    for value in ids:
        text = text + "|" + value
    return text.hexdigest("md5")


def chosen(drawn: ir.StringValue, share: float) -> ir.BooleanValue:
    """Is the draw among the given share of all draws: 0 chooses none, 1 all."""
    if share >= 1:
        return ibis.literal(True)
    return drawn < f"{int(share * 2**32):08x}"
