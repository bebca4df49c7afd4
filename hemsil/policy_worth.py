"""`hemsil policy worth`: what another policy would have earned on a past night, or why that cannot be known. Nothing is written."""

from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from hemsil.policy_diff import read_policy
from ml.errors import InputError
from ml.features import ANSWERS
from ml.lake_tables import DECISIONS
from ml.off_policy import Estimate, OffPolicy
from ml.policy_worth import told_messages, worth
from resources.decider import decide_night
from resources.platform import Platform
from resources.settings import Settings

ESTIMATES = {
    "ips": "weighted by 1 / propensity (IPS)",
    "self_normalised": "the same, self-normalised",
    "doubly_robust": "doubly robust, with the model's relevance",
}


def print_worth(settings: Settings, path: Path, date: str | None, console: Console) -> None:
    """Print the estimates for the policy of a file on the night of `date`, empty: the first night in the lake.

    Raises InputError, PolicyError, DamagedTable.
    """
    platform = Platform(settings)
    nights = platform.lake.dates(DECISIONS.name) if settings.lake.exists() else []
    if not nights:
        raise InputError("there is no night in the lake yet: run hemsil nightly first")
    if date is not None and date not in nights:
        raise InputError(f"--night {date}: the lake has no decisions of that night; there are {', '.join(nights[-5:])}")
    policy = read_policy(path, platform.source.name)
    night, by = platform.night(date or nights[0]), platform.night(nights[-1])
    ledger = platform.lake.read(DECISIONS, night.key)
    told = told_messages(ledger, decide_night(platform, night, policy), platform.club(by), night, by, ANSWERS)
    if told.empty:
        raise InputError(f"no campaign of the night of {night.key} has ended by {by.key}, the last night in the lake")
    own, other = worth(told, policy.chance.seed)
    campaigns = told.campaign_id.nunique()
    console.print(f"The night of {night.key}: {len(told):,} planned messages of {campaigns} campaigns that have ended by {by.key}, to {own.members:,} members.")  # fmt: skip
    console.print(f"As it was decided {told.log_chance.sum():,.0f} would go out on average; by {path.name} (version {policy.version}) {told.other_chance.sum():,.0f}.", soft_wrap=True)  # fmt: skip
    if other.unknown:
        console.print(f"What {path.name} would have earned cannot be known from this log: {other.unknown}.", soft_wrap=True)  # fmt: skip
        console.print("A share of mailings left to chance makes it knowable from then on (chance.exploration_share, chance.control_share).", soft_wrap=True)  # fmt: skip
        return
    console.print(_grid(own, other, path.name))
    console.print(f"Answers a planned message, with 95 % intervals over members. The log is worth {other.effective:,.0f} messages of the other policy's own.", soft_wrap=True)  # fmt: skip


def _grid(own: OffPolicy, other: OffPolicy, name: str) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="dim")
    for heading in ("answers a message", "as it was decided", f"by {name}"):
        grid.add_column(heading)
    for field, words in ESTIMATES.items():
        here: Estimate | None = getattr(own, field)
        there: Estimate | None = getattr(other, field)
        if here and there:
            grid.add_row(words, _shown(here), _shown(there))
    return grid


def _shown(found: Estimate) -> str:
    return f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"
