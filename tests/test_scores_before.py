"""What the nights before were scored, read back from the lake: three members on two nights, and a night by rules."""

from dataclasses import replace
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from ml.lake_tables import SCORES
from resources.night_history import earlier_scores
from resources.platform import Platform
from resources.scorer import RULES_NIGHT, Chosen
from resources.settings import Settings
from resources.sound_scores import _said_before
from tests.clubs import write_csv_club
from tests.small_club import small_club


@pytest.fixture
def platform(settings: Settings, tmp_path: Path) -> Platform:
    """ada 0.5 and bo 0.2 on the 13th by version 1, ada 0.6 on the 14th by version 2, cleo 0.9 on the 12th by rules; each has two offers."""
    write_csv_club(tmp_path / "club", small_club(members=20))
    made = Platform(settings.model_copy(update={"source": str(tmp_path / "club")}))
    said = {
        "12": ("C", "rules", {"cleo": 0.9}),
        "13": ("A", "1", {"ada": 0.5, "bo": 0.2}),
        "14": ("A", "2", {"ada": 0.6}),
    }
    for day, (step, version, told) in said.items():
        rows = [
            {"campaign_id": "spring", "member_id": member, "offer_id": offer, "relevance": 0.1, "mailing_relevance": relevance,
             "relevance_low": 0.0, "contributions": None, "speaks_for": None, "model_version": version}
            for member, relevance in told.items()
            for offer in ("o1", "o2")
        ]  # fmt: skip
        table = ibis.memtable(pa.Table.from_pylist(rows, schema=SCORES.schema.to_pyarrow()))
        made.lake.write(SCORES, f"2024-03-{day}", table, notes={"fallback_step": step, "model_version": version})
    return made


def test_each_mailing_has_the_score_of_its_own_night_and_none_where_it_was_not_scored(platform: Platform) -> None:
    asked = pd.DataFrame(
        {
            "as_of": [platform.night(f"2024-03-{day}").as_of for day in (14, 13, 13, 14)],
            "campaign_id": "spring",
            "member_id": ["ada", "ada", "bo", "bo"],
        }
    ).astype({"as_of": "datetime64[us]"})
    found = earlier_scores(platform, pa.Table.from_pandas(asked, preserve_index=False))
    assert found.tolist()[:3] == [0.6, 0.5, 0.2]
    assert pd.isna(found[3])


def by(version: str) -> Chosen:
    return replace(RULES_NIGHT, version=version, step="A")


def test_a_model_is_compared_with_the_nights_that_it_scored_itself(platform: Platform) -> None:
    tonight = platform.night("2024-03-15")
    assert sorted(_said_before(platform, tonight, by("1")).score) == [0.2, 0.5]
    assert sorted(_said_before(platform, tonight, by("2")).score) == [0.6]
    assert set(_said_before(platform, tonight, by("1")).campaign_id) == {"spring"}
    assert len(_said_before(platform, platform.night("2024-03-25"), by("1"))) == 0


def test_a_new_model_without_any_nights_features_has_nothing_to_be_compared_with(platform: Platform) -> None:
    assert len(_said_before(platform, platform.night("2024-03-15"), by("3"))) == 0
