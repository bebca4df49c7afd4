"""Names as a sentence can hold them."""

import ibis

from ml.wording import readable


def test_a_name_in_capitals_is_made_readable_and_any_other_is_left_alone() -> None:
    names = ibis.memtable(
        {"place": [1, 2, 3, 4], "name": ["BAKED BREAD/BUNS/ROLLS", "2% MILK", "Café IKEA/Oslo", None]}
    )
    told = names.select("place", told=readable(names.name)).order_by("place")
    shown = ibis.duckdb.connect().to_pyarrow(told)["told"].to_pylist()
    assert shown == ["baked bread, buns, rolls", "2% milk", "Café IKEA/Oslo", None]
