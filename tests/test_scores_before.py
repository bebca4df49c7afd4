"""What the nights before were scored, read back from the lake: three members on two nights, and a night by rules."""

from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from ml.lake_tables import SCORES
from resources.night_history import earlier_scores
from resources.platform import Platform
from resources.settings import Settings
from resources.sound_scores import _nights_before
from tests.clubs import write_csv_club
from tests.small_club import small_club


@pytest.fixture
def platform(settings: Settings, tmp_path: Path) -> Platform:
    """ada 0.5 and bo 0.2 on the 13th, ada 0.6 on the 14th, cleo 0.9 on the 12th by rules; each has two offers."""
    write_csv_club(tmp_path / "club", small_club(members=20))
    made = Platform(settings.model_copy(update={"source": str(tmp_path / "club")}))
    said = {"12": ("C", {"cleo": 0.9}), "13": ("A", {"ada": 0.5, "bo": 0.2}), "14": ("A", {"ada": 0.6})}
    for day, (step, told) in said.items():
        rows = [
            {"campaign_id": "spring", "member_id": member, "offer_id": offer, "relevance": 0.1, "mailing_relevance": relevance,
             "relevance_low": 0.0, "contributions": None, "speaks_for": None, "model_version": "1"}
            for member, relevance in told.items()
            for offer in ("o1", "o2")
        ]  # fmt: skip
        table = ibis.memtable(pa.Table.from_pylist(rows, schema=SCORES.schema.to_pyarrow()))
        made.lake.write(SCORES, f"2024-03-{day}", table, notes={"fallback_step": step})
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


def test_only_nights_that_a_champion_scored_are_what_tonight_is_compared_with(platform: Platform) -> None:
    before = _nights_before(platform, platform.night("2024-03-15"))
    assert sorted(before.score) == [0.2, 0.5, 0.6]
    assert set(before.campaign_id) == {"spring"}
    assert len(_nights_before(platform, platform.night("2024-03-25"))) == 0
