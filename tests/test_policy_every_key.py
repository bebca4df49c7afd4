"""Every key of the policy, tried with what it may not be: one clear error that names the key, whichever it is. The forms that single
faults take are in test_policy.py.
"""

from typing import Any, get_origin

import pytest

from ml.errors import PolicyError
from ml.policy import Policy
from ml.policy_sections import Section


def keys(section: type[Section] = Policy, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """(path, type) of every key, tables left out."""
    found = []
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            found += keys(kind, (*path, name))
        elif get_origin(kind) is not dict:
            found.append(((*path, name), kind))
    return found


KEYS = [path for path, _ in keys()]
NUMBERS = [path for path, kind in keys() if kind in (int, float)]


def fault(path: tuple[str, ...], value: str) -> str:
    """The error for a policy of this one key."""
    *sections, key = path
    with pytest.raises(PolicyError) as error:
        Policy.parse(f"[{'.'.join(sections)}]\n{key} = {value}")
    return str(error.value)


def name(path: tuple[str, ...]) -> str:
    return ".".join(path)


@pytest.mark.parametrize("path", KEYS, ids=name)
def test_a_value_of_another_kind_is_one_error_that_names_the_key(path: tuple[str, ...]) -> None:
    told = fault(path, "{ a = 1 }")
    assert told.count(f"[{'.'.join(path[:-1])}] {path[-1]}") == 1, told
    assert ";" not in told.split(": ", 1)[1]


@pytest.mark.parametrize("path", NUMBERS, ids=name)
@pytest.mark.parametrize("value", ["-1", "-0.5", '"3"', "true", "nan", "inf", "1e300"])
def test_a_number_out_of_bounds_is_one_error_with_the_key_its_value_and_what_it_may_be(
    path: tuple[str, ...], value: str
) -> None:
    told = fault(path, value)
    assert told.startswith(f"policy.toml: [{'.'.join(path[:-1])}] {path[-1]} = "), told
    assert "must be a " in told


@pytest.mark.parametrize(
    "path", [path for path in NUMBERS if path[-1].endswith(("_share", "share", "_responders"))], ids=name
)
def test_no_share_is_above_one(path: tuple[str, ...]) -> None:
    assert "1.2: must be a number" in fault(path, "1.2")


def test_nought_never_means_no_limit() -> None:
    """Where 0 may stand at all, it is nothing: no cost, no exploration, no linear partner, no margin."""
    allowed = set()
    for path in NUMBERS:
        *sections, key = path
        try:
            Policy.parse(f"[{'.'.join(sections)}]\n{key} = 0")
        except PolicyError:
            continue
        allowed.add(name(path))
    limits = {
        path for path in allowed if path.startswith(("caps.", "price_tier.", "purchases.", "retention.", "publishing."))
    }
    assert limits == set()
    assert {
        "value.fatigue_cost",
        "value.contact_cost.email",
        "chance.control_share",
        "chance.exploration_share",
    } <= allowed


@pytest.mark.parametrize("path", KEYS, ids=name)
def test_a_key_misspelt_is_no_such_key(path: tuple[str, ...]) -> None:
    *sections, key = path
    told = fault((*sections, key + "x"), "1")
    assert f"[{'.'.join(sections)}] {key}x: no such key" in told
