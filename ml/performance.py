"""How good the models of earlier nights have proved to be, now that the time to answer is over: figures by model version and
by how long ago the night was, with intervals, beside what was promised. Which nights are read is in resources/performance.py.

Only mailings that went out can be answered, so only they have labels. Where nobody who was stopped was mailed all the same,
what stopping cost cannot be seen here, and the figure says so; false_suppression.py asks chance instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ml.club import Club
from ml.evaluation import Ranked, intervals, member_draws
from ml.examples import answers
from ml.night import Night
from ml.tables import Column, Table, Type

KEYS = ("as_of", "campaign_id", "member_id")
FIGURES = {"auc": "AUC", "pr_auc": "PR-AUC", "log_loss": "log loss", "ece": "calibration error"}
AGES = (("up to 4 weeks", 0, 28), ("4 to 12 weeks", 28, 84), ("12 weeks and more", 84, 100_000))
ALL = "all"
LEAST_ANSWERS = 30
LEAST_STOPPED = 20  # members stopped and mailed all the same, below which what stopping cost is not told
DRAWS = 200

PERFORMANCE = Table(
    "performance", "How good the models of earlier nights proved to be, once the time to answer was over.", ("model_version", "label_age", "figure"),
    (
        Column("model_version", Type.STRING, "The model that scored; all: every one."),
        Column("label_age", Type.STRING, "How long before the night the scores were given.", allowed=(ALL, *(name for name, _, _ in AGES))),
        Column("figure", Type.STRING, "What was measured.", allowed=(*FIGURES, "stopped", "kept")),
        Column("value", Type.NUMBER, "The figure; missing where it cannot be known.", nullable=True),
        Column("low", Type.NUMBER, "Lower end of the 95 % interval, members drawn anew.", nullable=True),
        Column("high", Type.NUMBER, "Upper end of it.", nullable=True),
        Column("promised", Type.NUMBER, "What was promised; missing where nothing was.", nullable=True),
        Column("mailings", Type.INTEGER, "Mailings it rests on; missing below 20 members.", "rows", nullable=True, minimum=20),
        Column("answers", Type.INTEGER, "How many of them were answered; missing with them.", "rows", nullable=True, minimum=0),
        Column("says", Type.STRING, "The figure in a sentence, or why it cannot be known."),
    ),
)  # fmt: skip


def matured(ledgers: ir.Table, asks: ir.Table, club: Club, night: Night, kinds: tuple[str, ...]) -> ir.Table:
    """The asks of earlier nights whose time to answer is over, each as the first night that asked scored it.

    ledgers  decided_at, campaign_id, member_id, mailing_relevance, threshold, verdict, model_version; a row an offer
    asks     ASKS of the same nights
    Returns the keys with model_version, relevance, threshold, sent (by our decision), mailed (by whom ever), answered.
    """
    over = asks.filter(asks.closes_at <= ibis.literal(night.as_of, "timestamp(6)"))
    first = over.group_by("campaign_id", "member_id").aggregate(as_of=over.as_of.min())
    over = over.semi_join(first, list(KEYS))
    scored = ledgers.filter(ledgers.mailing_relevance.notnull())
    scored = scored.group_by(
        as_of=scored.decided_at, campaign_id=scored.campaign_id, member_id=scored.member_id
    ).aggregate(
        relevance=scored.mailing_relevance.max(),
        threshold=scored.threshold.max(),
        sent=(scored.verdict == "send").any(),
        model_version=scored.model_version.max(),
    )
    told = answers(club, over.select("as_of", "campaign_id", "member_id", "closes_at"), kinds)
    rows = told.inner_join(scored, list(KEYS))
    out = club.mailings.select("campaign_id", "member_id").distinct().mutate(went=ibis.literal(True))
    joined = rows.left_join(out, ["campaign_id", "member_id"])
    return joined.select(
        *KEYS, "model_version", "relevance", "threshold", "sent", "answered", mailed=joined.went.fill_null(False)
    )


def performance(rows: pd.DataFrame, night: Night, promised: float, seed: int) -> pd.DataFrame:
    """Rows of PERFORMANCE from those of `matured`. `promised` is the share of responders that the threshold keeps."""
    since = pd.Series(pd.Timestamp(night.as_of), index=rows.index) - rows.as_of
    age = since.dt.total_seconds().to_numpy(dtype=float) / 86_400
    found = []
    for version in (ALL, *sorted(rows.model_version.dropna().unique())):
        of_version = np.ones(len(rows), dtype=bool) if version == ALL else (rows.model_version == version).to_numpy()
        for name, least, most in ((ALL, 0, 100_000), *AGES):
            part = rows[of_version & (age >= least) & (age < most)]
            if len(part) or (version, name) == (ALL, ALL):
                found += [
                    {"model_version": version, "label_age": name, **vars(figure)}
                    for figure in _figures(part, promised, seed)
                ]
    types = {"float64": "Float64", "int64": "Int64", "string": "str"}
    frame = pd.DataFrame(found, columns=list(PERFORMANCE.names))
    return frame.astype({c.name: types[c.type.ibis] for c in PERFORMANCE.columns})


@dataclass(frozen=True)
class _Figure:
    figure: str
    says: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    promised: float | None = None
    mailings: int | None = None
    answers: int | None = None


def _figures(rows: pd.DataFrame, promised: float, seed: int) -> Iterator[_Figure]:
    mailed = rows[rows.mailed]
    counts = _counts(mailed)
    yes, few = int(mailed.answered.sum()), "fewer than 20 members were mailed"
    if counts["mailings"] is not None:
        few = f"too few labels: {yes} answers to {len(mailed):,} mailings, {LEAST_ANSWERS} are needed of either kind"
    if counts["mailings"] is None or not LEAST_ANSWERS <= yes <= len(mailed) - LEAST_ANSWERS:
        yield from (_Figure(name, few, **counts) for name in (*FIGURES, "kept"))
    else:
        draws = member_draws(mailed.member_id.to_numpy(), DRAWS, seed)
        answered = mailed.answered.to_numpy(dtype=float)
        ranked = Ranked.of(answered, mailed.relevance.to_numpy(dtype=float))
        for name, found in intervals(ranked.figures, draws).items():
            if name in FIGURES:
                says = f"{FIGURES[name]} {found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
                yield _Figure(name, says, found.value, found.low, found.high, **counts)
        yield _kept(mailed, promised, counts, draws)
    asked = _counts(rows)
    if asked["mailings"] is None:
        yield _Figure("stopped", "fewer than 20 members were scored")
    else:
        share = float((~rows.sent.astype(bool)).mean())
        says = f"{share:.1%} of {len(rows):,} scored members and campaigns were stopped, whatever the reason"
        yield _Figure("stopped", says, share, mailings=asked["mailings"], answers=asked["answers"])


def _kept(mailed: pd.DataFrame, promised: float, counts: dict[str, int | None], draws: list[np.ndarray]) -> _Figure:
    held = mailed.threshold.notna().to_numpy()
    below = (mailed.relevance < mailed.threshold).to_numpy()
    if mailed[below].member_id.nunique() < LEAST_STOPPED:
        words = f"cannot be known: fewer than {LEAST_STOPPED} members below the threshold were mailed all the same"
        return _Figure("kept", words, promised=promised, **counts)
    answered = mailed.answered.to_numpy(dtype=float) * held
    above = answered * ~below

    def share(weight: np.ndarray | None) -> dict[str, float]:
        w = np.ones(len(mailed)) if weight is None else weight
        return {"kept": float((w * above).sum() / max((w * answered).sum(), 1e-12))}

    found = intervals(share, draws)["kept"]
    verdict = "as promised" if found.high >= promised else "less than promised"
    words = f"{found.value:.1%} of the responders were above the threshold ({found.low:.1%} to {found.high:.1%}), {promised:.0%} were promised: {verdict}"
    return _Figure("kept", words, found.value, found.low, found.high, promised, **counts)


def _counts(rows: pd.DataFrame) -> dict[str, int | None]:
    told = rows.member_id.nunique() >= LEAST_STOPPED
    return {"mailings": len(rows) if told else None, "answers": int(rows.answered.sum()) if told else None}
