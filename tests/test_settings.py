"""Settings: read from HEMSIL_ variables, checked, each error naming its variable."""

from pathlib import Path

import pytest

from ml.errors import SettingsError
from resources.home import prepare_home, write_dotenv
from resources.settings import Settings, read_settings


def test_every_bad_variable_is_named_in_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMSIL_TIMEZONE", "Oslo")
    monkeypatch.setenv("HEMSIL_THREADS", "0")
    monkeypatch.setenv("HEMSIL_DATABASE_URL", "sqlite:///x.db")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    for name in ("HEMSIL_TIMEZONE", "HEMSIL_THREADS", "HEMSIL_DATABASE_URL"):
        assert name in str(caught.value)


def test_a_password_is_not_shown_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMSIL_DATABASE_URL", "mysql://user:secret@host/db")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(Settings(database_url="postgresql://user:secret@host/db"))


def test_the_data_folder_is_for_its_owner_only(settings: Settings) -> None:
    prepare_home(settings)
    assert oct(settings.home.stat().st_mode)[-3:] == "700"
    assert (settings.dagster_home / "dagster.yaml").exists()


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"HEMSIL_HOME: .*file/home cannot be used"):
        prepare_home(Settings(home=tmp_path / "file" / "home"))


def test_lines_of_an_env_file_are_kept_and_only_missing_ones_added(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("HEMSIL_SOURCE=/club\nDO_NOT_TRACK=1")
    added = write_dotenv(settings, path)
    assert {"DAGSTER_HOME", "HEMSIL_HOME"} <= set(added)
    assert "DO_NOT_TRACK" not in added
    assert path.read_text().startswith("HEMSIL_SOURCE=/club\nDO_NOT_TRACK=1\nDAGSTER_HOME=")
    assert write_dotenv(settings, path) == []
