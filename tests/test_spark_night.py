"""A whole night of `hemsil nightly` on Spark publishes what it publishes on DuckDB, row for row. What each step makes on
either engine is compared in test_engines.py.
"""

from typing import Any

import pytest

from resources.engine import lacking_for_spark
from tests.engines import alike
from tests.installation import installation
from tests.small_club import small_club
from tests.whole_night import NIGHT

KEYS = {
    "offer_table": ("member_id", "slot"),
    "suppression_list": ("campaign_id", "member_id"),
    "reask_list": ("member_id", "fact"),
    "campaign_summary": ("campaign_id",),
}
OF_THE_RUN = {"batch_id"}
Rows = dict[tuple[Any, ...], dict[str, Any]]

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(3600)]


def published(engine: str) -> dict[str, Rows]:
    """view -> its rows by key, after a night of a club of 200 on the engine."""
    with installation({"HEMSIL_ENGINE": engine}) as at:
        at.hand_in(small_club(200, seed=3))
        answer = at.run("nightly", "--as-of", NIGHT, timeout=3000)
        assert answer.code == 0, answer.text[-3000:]
        found: dict[str, Rows] = {}
        for view, key in KEYS.items():
            rows = [row for (row,) in at.rows(f"select to_jsonb(v) from marts.{view} v")]
            found[view] = {tuple(row[k] for k in key): row for row in rows}
        return found


def test_a_night_on_spark_publishes_what_a_night_on_duckdb_publishes() -> None:
    lacking = lacking_for_spark("local[2]")
    if lacking:
        pytest.skip("; ".join(lacking))
    one, other = published("duckdb"), published("local[2]")
    assert len(one["offer_table"]) > 50
    assert len({row["reason"] for row in one["suppression_list"].values()}) >= 3
    for view, rows in one.items():
        assert (view, rows.keys()) == (view, other[view].keys())
        different = [
            (view, key, name, value, other[view][key][name])
            for key, row in rows.items()
            for name, value in row.items()
            if name not in OF_THE_RUN and not alike(value, other[view][key][name])
        ]
        assert different[:5] == []
