"""What is installed against what is locked: a newer library, or one that is gone, is named by doctor before it surprises a model."""

from resources.doctor import _packages
from resources.packages import differing, installed, locked, made_with
from resources.settings import CHECKOUT

LOCK = """xgboost==3.2.0 \\
    --hash=sha256:aa
scikit_learn==1.9.1 \\
    --hash=sha256:bb
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:cc
"""


def test_the_lock_is_read_with_its_versions() -> None:
    assert locked(LOCK) == {"xgboost": {"3.2.0"}, "scikit-learn": {"1.9.1"}, "colorama": {"0.4.6"}}


def test_what_this_tests_run_on_is_what_is_locked() -> None:
    assert list(differing((CHECKOUT / "requirements.lock").read_text(), installed())) == []


def test_another_version_and_a_missing_package_are_named_and_one_for_other_systems_is_not() -> None:
    assert list(differing(LOCK, {"xgboost": "3.3.0"})) == [
        "scikit-learn is not installed, 1.9.1 is locked",
        "xgboost 3.3.0 is installed, 3.2.0 is locked",
    ]
    found = _packages(LOCK, {"xgboost": "3.3.0", "scikit-learn": "1.9.1"})
    assert (found.well, found.words) == (False, "xgboost 3.3.0 is installed, 3.2.0 is locked")
    assert _packages(LOCK, {"xgboost": "3.2.0", "scikit-learn": "1.9.1"}).words == "3 as locked"


def test_every_model_says_what_it_was_made_with() -> None:
    assert f"xgboost {installed()['xgboost']}" in made_with()
