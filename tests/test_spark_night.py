"""A whole night of `hemsil nightly` on Spark publishes what it publishes on DuckDB, row for row, and `hemsil train` on Spark makes a model
as good. What each step makes on either engine is compared in test_engines.py.
"""

from dataclasses import replace
from typing import Any

import pytest

from resources.engine import lacking_for_spark
from tests.engines import alike
from tests.installation import installation
from tests.small_club import POLICY, small_club
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


def test_a_model_whose_trees_grow_on_sparks_workers_knows_as_much() -> None:
    """The same examples, bags and rounds; two workers find the cuts together, so trees differ a little."""
    lacking = lacking_for_spark("local[2]")
    if lacking:
        pytest.skip("; ".join(lacking))
    policy = POLICY + "[model]\nbags = 2\nblocks = 1\n"
    with installation() as at:
        at.hand_in(small_club(), policy)
        assert at.run("nightly", "--as-of", NIGHT, timeout=900).code == 0
        (at.folder / "policy.toml").write_text(policy.replace("[training]", '[training]\ntrees = "spark"'))
        answer = replace(at, more={"HEMSIL_ENGINE": "local[2]"}).run("train", "--as-of", NIGHT, timeout=1800)
        assert answer.code == 0, answer.text[-3000:]
        assert "logloss" not in answer.text
        found = at.rows(
            "select m.value from mlflow.latest_metrics m join mlflow.runs r using (run_uuid) "
            "where m.key = 'mailing_auc' order by r.start_time"
        )
        here, there = (value for (value,) in found)
        assert here > 0.6
        assert abs(here - there) < 0.03
