"""What `hemsil backtest` adds where the club is invented: its scores of past mailings beside the truth about them. Nothing of it is
known to the replay itself.
"""

import csv
from pathlib import Path

import pandas as pd
import pyarrow as pa
from rich.console import Console
from rich.table import Table as Grid

from hemsil.known_truth import figures
from simulator.club import InventedClub
from simulator.truth import RELEVANT, live_and_tell

FILE = "truth.csv"


def truth_of(club: InventedClub) -> pd.DataFrame:
    """member_id, offer_id, chance (of an answer if sent), pull: of every offer and member of its campaign's audience."""
    parts = [live_and_tell(club, block)[1]["answer_chances"] for block in range(club.block_count)]
    wanted = ("member_id", "offer_id", "sent", "pull")
    plain = [
        pa.table({name: part[name].cast(pa.string()) if name.endswith("_id") else part[name] for name in wanted})
        for part in parts
    ]
    return pa.concat_tables(plain).to_pandas().rename(columns={"sent": "chance"})


def print_truth(scores: pd.DataFrame, club: InventedClub, folder: Path, console: Console) -> None:
    """Print how the replayed thresholds and scores fare by the truth, and write every figure into the folder.

    scores   rows of `BACKTEST_SCORES`; each mailing is judged by the offer that it named
    """
    named = scores[scores.offer_id.notna()][["member_id", "offer_id", "relevance", "verdict"]]
    known = named.merge(truth_of(club), on=["member_id", "offer_id"], validate="one_to_one")
    messages = known.assign(
        went=known.verdict.eq("send"), ours=known.relevance, relevant=known.pull >= RELEVANT, reason="LOW_RELEVANCE"
    )
    rows = figures(messages, known)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / FILE).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    told = pd.DataFrame(rows)
    grid = Grid(
        box=None,
        pad_edge=False,
        header_style="dim",
        title="irrelevant mailings that can be stopped",
        title_justify="left",
    )
    for heading in ("by", "losing 5 % of the relevant", "10 %", "20 %"):
        grid.add_column(heading, justify="left" if heading == "by" else "right")
    for of in ("our scores", "the true chance"):
        shares = told[(told.curve == "relevance, losing") & (told.of == of)].y
        grid.add_row(of, *(f"{share:.1%}" for share in shares))
    decided = told[told.curve == "at the decision"].set_index("of")
    (stopped, of_irrelevant), (lost, of_relevant) = (
        (float(decided.y[of]), int(decided["rows"][of]))
        for of in ("irrelevant messages stopped", "relevant messages lost")
    )
    console.print("What is true of these mailings (docs/simulator.md says what relevant means):")
    console.print(
        f"  of 1,000 irrelevant ones the thresholds stop {1000 * stopped:.0f}, of 1,000 relevant ones they lose {1000 * lost:.0f} ({of_irrelevant:,} and {of_relevant:,} mailings)",
        soft_wrap=True,
    )
    console.print(grid)
    error = told[told.curve == "calibration error"].y.iloc[0]
    console.print(
        f"  mean distance of relevance to the true chance: {error:.4f}. Every figure: {folder / FILE}", soft_wrap=True
    )
