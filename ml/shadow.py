"""A new model beside the champion on one night: how far they agree, in counts and shares. Which model that is, and for how many
nights, is the promoter's to say.
"""

import numpy as np
import pandas as pd

from ml.tables import Column, Table, Type

LEAST = 20


def _share(name: str, meaning: str) -> Column:
    return Column(name, Type.NUMBER, meaning, "share 0..1", nullable=True, minimum=0, maximum=1)


SHADOW_SCORES = Table(
    "shadow_scores", "A new model beside the champion, before it may take its place; no row where none is tried.", ("model_version",),
    (
        Column("model_version", Type.STRING, "The model that is tried."),
        Column("champion", Type.STRING, "The version that scored the night."),
        Column("mailings", Type.INTEGER, "Members and campaigns scored by both.", "rows", minimum=0),
        _share("mean_relevance", "Mean relevance by the model that is tried; missing below 20 members."),
        _share("mean_champion", "The same by the champion."),
        Column("rank_correlation", Type.NUMBER, "Spearman's correlation of the two; missing where one has a single value.", "-1..1", nullable=True, minimum=-1, maximum=1),
        _share("newly_stopped", "Mailings above the champion's threshold that are below the other's."),
        _share("newly_reached", "Mailings below the champion's threshold that are above the other's."),
        Column("says", Type.STRING, "All of it in a sentence."),
    ),
)  # fmt: skip


def compare(rows: pd.DataFrame, version: str, champion: str, thresholds: tuple[float, float]) -> pd.DataFrame:
    """The row of SHADOW_SCORES.

    rows        member_id, relevance, champion_relevance: a row a member and campaign
    thresholds  of the model that is tried and of the champion
    """
    enough = rows.member_id.nunique() >= LEAST
    above, before = rows.relevance >= thresholds[0], rows.champion_relevance >= thresholds[1]
    told: dict[str, float | None] = {
        "mean_relevance": float(rows.relevance.mean()),
        "mean_champion": float(rows.champion_relevance.mean()),
        "newly_stopped": float((before & ~above).mean()),
        "newly_reached": float((above & ~before).mean()),
        "rank_correlation": float(rows.relevance.corr(rows.champion_relevance, method="spearman")),
    } if enough else {}  # fmt: skip
    told = {name: value for name, value in told.items() if value is not None and np.isfinite(value)}
    says = "fewer than 20 members were scored"
    if enough:
        says = (
            f"version {version} beside version {champion} on {len(rows):,} mailings: would stop {told['newly_stopped']:.1%} "
            f"that go out, and send {told['newly_reached']:.1%} that are stopped"
        )
    row = {"model_version": version, "champion": champion, "mailings": len(rows), "says": says, **told}
    types = {"float64": "Float64", "int64": "Int64", "string": "str"}
    frame = pd.DataFrame([row], columns=list(SHADOW_SCORES.names))
    return frame.astype({c.name: types[c.type.ibis] for c in SHADOW_SCORES.columns})
