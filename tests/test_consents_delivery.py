"""How old tonight's consents are: by when their file was handed over, for the night that is tonight alone."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resources.decider import consents_heard_until
from resources.platform import Platform
from resources.settings import Settings
from tests.clubs import tiny_club, write_csv_club

NOW = datetime(2024, 3, 15, 3, 30)  # UTC; half past four in Oslo
MIDNIGHT = datetime(2024, 3, 14, 23)  # at which the 15th begins there


@pytest.mark.parametrize(
    ("night", "written", "heard"),
    [
        ("2024-03-15", NOW - timedelta(hours=1), MIDNIGHT),
        ("2024-03-15", MIDNIGHT - timedelta(hours=30), MIDNIGHT - timedelta(hours=30)),
        ("2024-03-14", MIDNIGHT - timedelta(hours=90), None),
    ],
    ids=["handed over after midnight", "handed over long before", "a night that is history"],
)
def test_consents_are_as_old_as_their_file(tmp_path: Path, night: str, written: datetime, heard: object) -> None:
    write_csv_club(tmp_path / "club", tiny_club())
    at = written.replace(tzinfo=UTC).timestamp()
    os.utime(tmp_path / "club" / "consents.csv", (at, at))
    settings = Settings(home=tmp_path / "home", source=str(tmp_path / "club"))
    platform = Platform(settings, now=lambda: NOW)
    assert consents_heard_until(platform, platform.night(night)) == heard
