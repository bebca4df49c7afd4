"""`hemsil policy diff`: what another policy would change, in words and in counts. Nothing is written."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ml.decision_lists import verdicts
from ml.errors import InputError, PolicyError
from ml.lake_tables import DECISIONS
from ml.policy import Policy
from ml.policy_changes import changed_keys, changed_verdicts
from resources.decider import decide_night
from resources.platform import Platform
from resources.policy_file import policy_text
from resources.settings import Settings


def read_policy(path: Path, source: str) -> Policy:
    """The policy of a file for a kind of source. Raises PolicyError where it cannot be read, or with its faults."""
    text = policy_text(path, str(path))
    try:
        return Policy.parse(text, source=source)
    except PolicyError as error:
        raise PolicyError(f"{path}: " + str(error).removeprefix("policy.toml: ")) from None


def print_difference(settings: Settings, old: Path, new: Path, date: str | None, console: Console) -> None:
    """Print the keys that differ and, of the last night in the lake or that of `date`, how many verdicts would.

    Raises InputError, PolicyError, DamagedTable.
    """
    platform = Platform(settings)
    before, after = (read_policy(path, platform.source.name) for path in (old, new))
    console.print(f"{old} (version {before.version}) to {new} (version {after.version}), for {platform.source.name}:")
    differences = changed_keys(before, after)
    if not differences:
        console.print("No value differs, so nothing would change.")
        return
    for change in differences:
        console.print(f"  [bold]{escape(change.key)}[/]: {escape(change.old)} → {escape(change.new)}. [dim]{escape(change.meaning)}[/]", soft_wrap=True)  # fmt: skip
    _print_verdicts(platform, before, after, date, console)
    if any(change.key == "[relevance] keep_responders" for change in differences):
        console.print(
            "The threshold of a new keep_responders is set when a model is trained; it is not in these counts."
        )


def _print_verdicts(platform: Platform, before: Policy, after: Policy, date: str | None, console: Console) -> None:
    nights = platform.lake.dates(DECISIONS.name) if platform.settings.lake.exists() else []
    if date is not None and date not in nights:
        raise InputError(f"--night {date}: the lake has no decisions of that night; there are {', '.join(nights[-5:]) or 'none'}")  # fmt: skip
    if not nights:
        console.print("There is no night in the lake yet, so what it would change for members is not known: run hemsil nightly.")  # fmt: skip
        return
    night = platform.night(date or nights[-1])
    old, new = (decide_night(platform, night, policy) for policy in (before, after))
    counts = changed_verdicts(old, new).to_pandas()
    asked = int(verdicts(platform.lake.read(DECISIONS, night.key)).count().to_pyarrow().as_py())
    console.print(f"Decided again on the scores of {night.key}: {int(counts.members.sum()):,} of {asked:,} planned messages would end otherwise.")  # fmt: skip
    for row in counts.itertuples():
        console.print(f"  {row.members:>9,}  {row.was} → {row.becomes}")
    gained = int(counts[counts.becomes == "sent"].members.sum()) - int(counts[counts.was == "sent"].members.sum())
    console.print(f"In all {abs(gained):,} {'more' if gained >= 0 else 'fewer'} messages would be sent.")
