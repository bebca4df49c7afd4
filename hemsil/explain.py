"""`hemsil explain`: the way from facts to verdict of one member, for people or as JSON. What is told is put together in
resources/explained.py. It is shown to whoever asks at this terminal, and goes to no log.
"""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from ml.feature import FAMILIES
from resources.explained import explain_member
from resources.platform import Platform
from resources.settings import Settings

MOST_SHOWN = 12  # decisions shown to people; JSON has all


def run_explain(
    settings: Settings, member: str, offer: str | None, as_of: str | None, as_json: bool, console: Console
) -> None:
    """Print why the member gets, or does not get, what the night considered. Raises SettingsError."""
    told = explain_member(Platform(settings), member, as_of or "", offer or "")
    if as_json:
        print(json.dumps(told, default=str, indent=1, ensure_ascii=False))
        return
    console.print(f"[bold]Member {escape(member)}[/], as the night of {told['business_date']} knew and decided")
    _print_known(told, console)
    decisions = told["decisions"]
    if not decisions:
        console.print("No campaign of the night was meant for the member.")
    for row in decisions[:MOST_SHOWN]:
        _print_decision(row, console)
    if len(decisions) > MOST_SHOWN:
        console.print(
            f"\n{len(decisions) - MOST_SHOWN} more were considered: name an offer, or take --json for all.", style="dim"
        )


def _print_known(told: Mapping[str, Any], console: Console) -> None:
    counted = ", ".join(f"{rows:,} {name}" for name, rows in told["counted"].items())
    console.print(f"Known: {counted or 'no purchases, mailings or responses'}.")
    for name, rows in told["known"].items():
        if not rows:
            console.print(f"  {name}: none")
        for row in rows:
            shown = ", ".join(f"{k} {v}" for k, v in row.items() if k != "member_id" and v is not None)
            console.print(f"  {name}: {escape(shown)}")


def _print_decision(row: Mapping[str, Any], console: Console) -> None:
    sent = row["verdict"] == "send"
    what = f"campaign {row['campaign_id']}, offer {row['offer_id']}, by {row['channel']}"
    verdict = f"[bold green]sent, place {row['slot']}[/]" if sent else f"[bold red]{row['reason']}[/]"
    console.print(f"\n{escape(what)}: {verdict}")
    console.print(f"  {escape(row['detail'])}")
    if row["relevance"] is not None:
        line = f"  relevance {row['relevance']:.3f}; of the whole message {row['mailing_relevance']:.3f}"
        if row["threshold"] is not None:
            line += f", at least {row['threshold']:.3f} is asked for"
        console.print(line)
    if row["expected_value"] is not None:
        console.print(
            f"  expected value {row['expected_value']:.2f}; probability of this verdict {row['propensity']:.3g}"
        )
    for failed in row["failures"]:
        console.print(f"  fails {failed['code']} by {-failed['margin']:.3g}")
    if row["would_pass_if"]:
        console.print(f"  would pass if {escape(row['would_pass_if'])}")
    if row["until"]:
        console.print(f"  until {row['until']}")
    for stage, families in sorted(row["exact"].items()):
        words = "; ".join(f"{FAMILIES[name]} {odds:+.2f}" for name, odds in families.items())
        console.print(f"  {stage} (log-odds): {words}")
    console.print(f"  model {row['model_version']}, policy {row['policy_version']}", style="dim")
