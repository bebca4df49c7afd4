"""What is spared and what is lost by predicting only where there is a tie, by tables that can be counted by eye."""

import pyarrow as pa

from benchmarks.candidates import POPULAR, TIES, measured

NOTHING = {name: 0.0 for names in TIES.values() for name in names} | {"reach": 0.0, "answered": 0.0}


def told(*pairs: dict[str, float | None]) -> dict[str, tuple[object, object]]:
    """Tie -> (spared, lost)."""
    rows = measured(pa.Table.from_pylist([NOTHING | pair for pair in pairs]), "a club", "pair")
    return {str(row["tie"]): (row["spared"], row["lost"]) for row in rows}


def test_each_tie_adds_to_those_before_it() -> None:
    found = told(
        {"product_baskets": 3.0, "answered": 1.0},
        {"category_baskets": 1.0, "answered": 1.0},
        {"brand_baskets": 2.0},
        {"reach": 0.5, "answered": 1.0},
        {},
    )
    assert found["bought of its products"] == (0.8, 0.6667)
    assert found["of its categories"] == (0.6, 0.3333)
    assert found["of its brands"] == (0.4, 0.3333)
    assert found[POPULAR] == (0.2, 0.0)


def test_what_is_not_known_is_no_tie() -> None:
    assert told({"product_baskets": None, "answered": 1.0})["bought of its products"] == (1.0, 1.0)
