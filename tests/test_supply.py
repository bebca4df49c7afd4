"""What is installed is what was locked, and a night needs no network."""

import re
import shutil
import subprocess

import pytest

from resources.settings import CHECKOUT, TOOL_ENVIRONMENT
from tests.installation import HEMSIL, Installation, installation
from tests.small_club import small_club
from tests.whole_night import NIGHT


@pytest.mark.promise("R16")
def test_every_package_is_locked_by_version_and_hash_and_installed_by_nothing_else() -> None:
    lock = (CHECKOUT / "requirements.lock").read_text()
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[\w.\[\],-]+==\S+", entry), entry[:60]
        assert re.findall(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:60]
    assert "://" not in lock
    installs = re.findall(r"pip install .*-r requirements.lock", (CHECKOUT / "Makefile").read_text())
    assert len(installs) == 2
    assert all("--require-hashes" in line and "--no-deps" in line for line in installs)


def test_spark_is_locked_as_well_and_only_installed_where_it_is_asked_for() -> None:
    lock = (CHECKOUT / "requirements-spark.lock").read_text()
    assert re.findall(r"^([\w.-]+)==[\d.]+ \\\n +--hash=sha256:[0-9a-f]{64}$", lock, re.MULTILINE) == [
        "py4j",
        "pyspark",
    ]
    [install] = re.findall(r"pip install .*-r requirements-spark.lock", (CHECKOUT / "Makefile").read_text())
    assert "--require-hashes" in install
    assert "--no-deps" in install
    assert "pyspark" not in (CHECKOUT / "requirements.lock").read_text()


def _without_network(at: Installation) -> subprocess.CompletedProcess[str]:
    variables = at.variables | TOOL_ENVIRONMENT | {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(at.folder)}
    command = ["unshare", "--net", str(HEMSIL), "nightly", "--as-of", NIGHT]
    return subprocess.run(
        command, check=False, env=variables, cwd=at.folder, capture_output=True, text=True, timeout=280
    )


@pytest.mark.slow
@pytest.mark.promise("R16")
def test_a_night_passes_on_a_machine_without_any_network() -> None:
    alone = ["unshare", "--net", "true"]
    if not shutil.which("unshare") or subprocess.run(alone, check=False, capture_output=True).returncode:
        pytest.skip("this system lets nobody take a process off the network")
    with installation() as at:
        at.hand_in(small_club())
        answer = _without_network(at)
        assert answer.returncode == 0, answer.stdout + answer.stderr
