"""One whole night on a small club with faults in it, and what tests need to look at it. The tests are in
test_night_end_to_end.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from resources.platform import Platform
from tests.installation import Answer, Installation, installation
from tests.small_club import BUSINESS_DATE, plant_faults, small_club

NIGHT = BUSINESS_DATE.isoformat()
EARLIER = "2024-03-14"
# What is wrong with the tables -> (what the night says, the command's exit code).
BROKEN = {
    "too many bad rows": (
        "table mailings: 1,064 of 2,128 rows (50.0 %) break the contract, the policy allows 5.0 %",
        2,
    ),
    "a missing column": ("table transactions (transactions.csv): column product_id is missing", 2),
    "a missing table": ("has no table offers", 2),
    "an unreadable file": ("the file members.csv (table members) cannot be read", 1),
}


@dataclass(frozen=True)
class Night:
    """The night of NIGHT as it was first run, and what was planted in its club."""

    at: Installation
    answer: Answer
    faults: dict[tuple[str, str], int]
    refusing: set[str]

    def lake(self, table: str, date: str = NIGHT) -> Path:
        return self.at.home / "lake" / table / f"business_date={date}"


@contextmanager
def played_night() -> Iterator[Night]:
    """Run once; the tests read what it left behind, and leave it as they found it."""
    with installation() as at:
        club = small_club()
        faults = plant_faults(club)
        said = club["consents"][club["consents"].purpose == "marketing"]
        willing = set(said[said.granted].member_id) - set(said[~said.granted.astype(bool)].member_id)
        at.hand_in(club)
        yield Night(at, at.call("nightly", "--as-of", NIGHT), faults, set(club["members"].member_id) - willing)


def run_job(at: Installation, job: str, date: str, only: list[str] | None = None) -> dg.ExecuteInProcessResult:
    """A job of the code location for one partition, as Dagster runs it."""
    with at.as_environment():
        from orchestration.definitions import build_definitions

        definitions = build_definitions(Platform(at.settings))
        with dg.DagsterInstance.get() as instance:
            return definitions.resolve_job_def(job).execute_in_process(
                instance=instance,
                partition_key=date,
                raise_on_error=False,
                asset_selection=[dg.AssetKey(name) for name in only] if only else None,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )


@contextmanager
def one_byte_changed(path: Path) -> Iterator[None]:
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    yield
    path.write_bytes(content)


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """The innermost message of the first failed step."""
    error = next(event.step_failure_data.error for event in result.all_events if event.is_step_failure)
    while error.cause is not None:
        error = error.cause
    return str(error.message)


@contextmanager
def fed_with(at: Installation, fault: str) -> Iterator[Installation]:
    """The same data folder, fed with tables that have one of the faults `BROKEN`; its own tables are back afterwards."""
    club = small_club()
    if fault == "too many bad rows":
        club["mailings"].loc[::2, "member_id"] = "nobody"
    elif fault == "a missing column":
        club["transactions"] = club["transactions"].drop(columns="product_id")
    elif fault == "a missing table":
        del club["offers"]
    other = Installation(at.folder)
    kept = at.folder / "club"
    kept.rename(kept.with_name("kept"))
    try:
        other.hand_in(club)
        if fault == "an unreadable file":
            (other.folder / "club" / "members.csv").write_bytes(b'member_id,first_name\n"m1,"\n\xff\xfe')
        yield other
    finally:
        other.hand_in({})
        (at.folder / "club").rmdir()
        kept.with_name("kept").rename(kept)
