"""What a marketer reads after a night: how many messages go, how many are stopped and why, what became of it, and where to
look next. Counts only, all read back from the published tables and the lake.
"""

from collections import Counter
from datetime import date

import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

from ml.audit_table import FALSE_SUPPRESSION
from ml.lake_tables import AFTERWARDS, CHANGES, QUARANTINE
from ml.reach import NEWLY_REACHED, NEWLY_STOPPED
from ml.reasons import Reason
from ml.source_tables import FEEDBACK, MEMBERS
from resources.platform import Platform

STEPS = {
    "A": "the champion model on today's features",
    "B": "the last model that a night has used, as the champion could not be had, or its scores were not sound",
    "C": "rules without a model: too few responses to train on, or no model good enough, or none whose scores were sound",
    "D": "the list of the day before",
    "E": "nothing",
}


def print_summary(platform: Platform, business_date: date, console: Console) -> None:
    """Print the summary of a published business date."""
    key = business_date.isoformat()
    batch = platform.marts.published(business_date)
    if batch is None:
        console.print(f"Nothing is published for {key}.")
        return
    summary = platform.marts.summary(batch.batch_id)
    audience, to_send = int(summary.audience.sum()), int(summary.to_send.sum())
    members = platform.lake.manifest(MEMBERS.name, key).rows
    console.print()
    console.print(f"[bold]{members:,}[/] members, [bold]{len(summary)}[/] campaigns, {audience:,} planned messages.")
    console.print(
        f"[bold green]{to_send:,} would be sent[/], [bold]{audience - to_send:,} are stopped[/] {_share(audience - to_send, audience)}."
    )
    console.print(
        f"Decided by {STEPS[batch.fallback_step]} (model {batch.model_version}, policy {batch.policy_version})."
    )
    later = _afterwards(platform, key)
    console.print(_reasons(summary, later))
    if later is not None:
        _print_afterwards(later, platform, console)
    _print_audit(platform, key, console)
    _print_changes(platform, key, console)
    bad = platform.lake.manifest(QUARANTINE.name, key).rows
    if bad:
        console.print(
            f"{bad:,} rows of the source break the contract and were set aside: `hemsil quarantine` tells why, and how they come back."
        )
    unknown = platform.lake.manifest(FEEDBACK.name, key).notes.get("refused_ids_not_there")
    if unknown:
        console.print(f'[yellow]"Not for me" of ids that the club does not have, which stops nothing[/] ({unknown}).')
    if batch.hidden_because:
        console.print(f"[bold red]The views show nothing: {batch.hidden_because}.[/]")
    current = platform.marts.current()
    if current and current.batch_id != batch.batch_id:
        console.print(
            f"The views still show {current.business_date}, a later date; this one is in marts.offer_history and "
            "marts.suppression_history. To show it: .venv/bin/hemsil nightly --as-of " + key + " --make-current"
        )
    _print_next(summary, console)


def _reasons(summary: pd.DataFrame, later: pd.DataFrame | None) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="dim")
    grid.add_column("stopped", justify="right")
    grid.add_column("because", justify="left")
    grid.add_column("")
    if later is not None:
        grid.add_column("answered", justify="right")
    counts = Counter[str]()
    for by_reason in summary.by_reason:
        counts.update(by_reason)
    for reason in Reason:
        if reason in counts:
            row = [f"{counts[reason]:,}", reason.value, reason.meaning]
            if later is not None:
                row.append(f"{int(later.loc[later.reason == reason.value, 'answered'].sum()):,}")
            grid.add_row(*row)
    return grid


def _afterwards(platform: Platform, key: str) -> pd.DataFrame | None:
    """The counts of what happened, or None when nothing is known of the days after."""
    if not platform.lake.has(AFTERWARDS.name, key):
        return None
    counts = platform.lake.read(AFTERWARDS, key).to_pandas()
    return counts if counts.answered.sum() else None


def _print_afterwards(later: pd.DataFrame, platform: Platform, console: Console) -> None:
    sent, stopped = later[later.reason.isna()], later[later.reason == Reason.LOW_RELEVANCE.value]
    judged, kept = int(sent.members.sum() + stopped.members.sum()), int(sent.answered.sum())
    responders = kept + int(stopped.answered.sum())
    console.print(
        f"As this is history, what came of it is known. Of the messages stopped as not relevant, "
        f"[bold]{int(stopped.answered.sum()):,} of {int(stopped.members.sum()):,}[/] members answered anyway; of those to "
        f"be sent, {kept:,} of {int(sent.members.sum()):,} did. So {_share(int(stopped.members.sum()), judged)} fewer "
        f"messages would have kept {_share(kept, responders)} of the {responders:,} who answered."
    )
    if platform.source.note:
        console.print(f"[dim]{platform.source.note}[/]")


def _print_audit(platform: Platform, key: str, console: Console) -> None:
    """What stopping costs, by chance and control group; where that cannot be known, why."""
    if not platform.lake.has(FALSE_SUPPRESSION.name, key):
        return
    found = platform.lake.read(FALSE_SUPPRESSION, key).to_pandas().set_index("question")
    for name, question in (("share_of_stopped", "Wrongly stopped"), ("answers_gained", "Worth of mailing")):
        console.print(f"{question}: {found.loc[name, 'says']}", highlight=False)


def _print_changes(platform: Platform, key: str, console: Console) -> None:
    """Who is newly stopped or reached since the night before, where there was one."""
    if not platform.lake.has(CHANGES.name, key) or not platform.lake.manifest(CHANGES.name, key).notes["compared_with"]:
        return
    table = platform.lake.read(CHANGES, key)
    counts = table.group_by("change", "reason").aggregate(n=table.count()).to_pandas().sort_values("n", ascending=False)
    told = []
    for change in (NEWLY_STOPPED, NEWLY_REACHED):
        of = counts[counts.change == change]
        why = ", ".join(f"{row.reason} {row.n:,}" for row in of.itertuples())
        told.append(f"{int(of.n.sum()):,} {change}" + (f" ({why})" if why else ""))
    since = platform.lake.manifest(CHANGES.name, key).notes["compared_with"]
    console.print(f"Since {since}, of the campaigns that ran then: {'; '.join(told)}.")


def _print_next(summary: pd.DataFrame, console: Console) -> None:
    console.print()
    console.print("Where to look next:")
    campaign = summary.sort_values("to_send").campaign_id.iloc[-1] if len(summary) else "CAMPAIGN"
    for what, how in (
        ("the Dagster UI, MLflow, reports", "make ui"),
        ("SQL", '''.venv/bin/hemsil db shell -c "select * from marts.campaign_summary"'''),
        ("a list for a mailing tool", f".venv/bin/hemsil export {campaign} --format xlsx"),
    ):
        console.print(f"  {what:<32} [cyan]{how}[/]", soft_wrap=True)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "0%"
