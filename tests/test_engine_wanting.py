"""An engine that cannot be had is refused in one line, which says what is wanting and how to mend it. What engines do is in
test_engines.py.
"""

import re
import socket
from pathlib import Path

import pytest

from ml.errors import EngineUnavailable, SettingsError
from resources.engine import open_engine
from resources.settings import Settings, read_settings


def test_without_java_or_pyspark_the_error_says_how_to_mend_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"HEMSIL_ENGINE is local\[2\].*Java 17.*apt-get install") as told:
        open_engine(Settings(home=home, engine="local[2]"))
    assert "\n" not in str(told.value)


def test_where_no_spark_master_answers_the_error_says_at_which_address(home: Path) -> None:
    with socket.socket() as bound:  # it does not listen
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        told = rf"HEMSIL_ENGINE is spark://{address}, and .*no Spark master answers at {address} \(Connection refused\)"
        with pytest.raises(EngineUnavailable, match=told) as error:
            open_engine(Settings(home=home, engine=f"spark://{address}"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("engine", ["sparkle", "local", "local[two]", "spark:host", "spark://host", ""])
def test_an_engine_that_there_is_not_is_refused_by_the_settings_name(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEMSIL_ENGINE", engine)
    with pytest.raises(
        SettingsError, match=rf"^HEMSIL_ENGINE: '{re.escape(engine)}' is none of duckdb, local\[2\], .*"
    ):
        read_settings()
