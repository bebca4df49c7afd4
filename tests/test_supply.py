"""What is installed is what was locked, and a night needs no network."""

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

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


def a_wheel(folder: Path) -> Path:
    """The smallest package there can be, made on the spot."""
    path = folder / "tiny_thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny_thing.py", "x = 1\n")
        wheel.writestr("tiny_thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n")
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr("tiny_thing-1.0.dist-info/WHEEL", tags)
        wheel.writestr("tiny_thing-1.0.dist-info/RECORD", "")
    return path


def install(folder: Path, lock: str) -> subprocess.CompletedProcess[str]:
    """What the Makefile does with the lock, from a folder instead of an index."""
    (folder / "requirements.lock").write_text(lock)
    [line] = {
        found
        for found in re.findall(r"pip install (.*-r requirements.lock)", (CHECKOUT / "Makefile").read_text())
        if "--quiet" in found
    }
    command = [sys.executable, "-m", "pip", "install", *line.split(), "--no-index", "--find-links", str(folder)]
    return subprocess.run(
        [*command, "--target", str(folder / "there")],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.promise("R16")
def test_one_changed_byte_in_the_lock_or_in_the_package_stops_the_install(tmp_path: Path) -> None:
    wheel = a_wheel(tmp_path)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    right = f"tiny-thing==1.0 \\\n    --hash=sha256:{digest}\n"
    other = right.replace(digest, ("0" if digest[0] != "0" else "1") + digest[1:])

    changed = install(tmp_path, other)
    assert changed.returncode != 0
    assert "DO NOT MATCH THE HASHES" in changed.stderr
    assert not (tmp_path / "there" / "tiny_thing.py").exists()
    nameless = install(tmp_path, "tiny-thing==1.0\n")
    assert nameless.returncode != 0

    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert install(tmp_path, right).returncode != 0
    wheel.write_bytes(whole)
    assert install(tmp_path, right).returncode == 0
    assert (tmp_path / "there" / "tiny_thing.py").exists()


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
