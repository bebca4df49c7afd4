"""How good the models of earlier nights have proved to be, now that the time to answer is over: figures by model version and
by how long ago the night was, with intervals, beside what was promised. Which nights are read is in resources/performance.py.

Only mailings that went out can be answered, so only they have labels, and only those that went out after they were scored: of one
that was sent before, the answers so far are not the future. A mailing that named its offer is judged by the score of that offer. Where nobody who was stopped was mailed all the same,
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
from ml.examples import answers, offer_answers
from ml.night import Night
from ml.pairs import attach
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

    ledgers  decided_at, campaign_id, member_id, offer_id, relevance, mailing_relevance, threshold, verdict, model_version; a row an offer
    asks     ASKS of the same nights
    Returns the keys with model_version, mailing_relevance and threshold, sent (by our decision), mailed (by whom ever, since), and of what
    was mailed relevance and answered: those of its offer where it named one, else of the whole mailing.
    """
    over = asks.filter(asks.closes_at <= ibis.literal(night.as_of, "timestamp(6)"))
    first = over.group_by("campaign_id", "member_id").aggregate(as_of=over.as_of.min())
    over = over.semi_join(first, list(KEYS)).select(*KEYS, "closes_at")
    scored = ledgers.filter(ledgers.mailing_relevance.notnull()).rename(as_of="decided_at")
    of_offers = scored.group_by(*KEYS, "offer_id").aggregate(of_offer=scored.relevance.max())
    scored = scored.group_by(*KEYS).aggregate(
        mailing_relevance=scored.mailing_relevance.max(),
        threshold=scored.threshold.max(),
        sent=(scored.verdict == "send").any(),
        model_version=scored.model_version.max(),
    )
    mailed = _mailed(club, over)
    named = mailed.filter(mailed.offer_id.notnull())
    given = offer_answers(club, named, kinds).left_join(of_offers, [*KEYS, "offer_id"])
    given = given.select(*KEYS, "of_offer", to_offer="answered")
    rows = answers(club, over, kinds).inner_join(scored, list(KEYS))
    rows = attach(rows, mailed.select(*KEYS).mutate(went=ibis.literal(True)), KEYS)
    rows = attach(rows, given, KEYS)
    return rows.select(
        *KEYS, "model_version", "mailing_relevance", "threshold", "sent", mailed=rows.went.fill_null(False),
        relevance=ibis.coalesce(rows.of_offer, rows.mailing_relevance), answered=ibis.coalesce(rows.to_offer, rows.answered),
    )  # fmt: skip


def _mailed(club: Club, asks: ir.Table) -> ir.Table:
    """The asks that were mailed from their moment on, with the offer_id that the mailing named; null where it named none, or several."""
    sent = club.mailings.select("campaign_id", "member_id", "offer_id", "sent_at")
    since = asks.inner_join(sent, ["campaign_id", "member_id"])
    since = since.filter((since.sent_at >= since.as_of) & (since.sent_at < since.closes_at))
    told = since.group_by(*KEYS, "closes_at").aggregate(
        different=since.offer_id.nunique(), unnamed=since.offer_id.isnull().any(), offer=since.offer_id.min()
    )
    one = (told.different == 1) & ~told.unnamed
    return told.select(*KEYS, "closes_at", offer_id=ibis.ifelse(one, told.offer, ibis.null("string")))


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
    below = (mailed.mailing_relevance < mailed.threshold).to_numpy()
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
