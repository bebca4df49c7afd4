"""Sums that come out the same to the last digit, in whatever order and on however many threads the rows are added.

Adding floats gives another last digit in another order, and a rank over such sums another order of near-ties. Here each
addend is first put on a fixed grid, so that the sum is one of whole numbers, which has no order.
"""

import ibis.expr.types as ir

GRID = 2**24  # steps a unit: addends are kept to 6e-8, sums may reach 5e11 before whole numbers of 64 bits run out


def total(values: ir.NumericValue, where: ir.BooleanValue | None = None) -> ir.FloatingValue:
    """The sum of a column over a group (or, with `.over` on `total_steps`, a window), null where there is nothing to add."""
    return on_the_grid(values).sum(where=where) / float(GRID)


def on_the_grid(values: ir.NumericValue) -> ir.IntegerValue:
    """The values as whole numbers of steps."""
    return (values.cast("float64") * float(GRID)).round().cast("int64")
