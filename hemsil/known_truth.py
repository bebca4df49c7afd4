"""What is true of the invented club's messages, gathered while it lives, and how near our scores come to it. It is looked at after
a decision is made, and taught to one model alone: the one that shows how much the club's tables can tell.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.ensemble import Values
from ml.examples import TrainingRows
from ml.reasons import Reason
from ml.truth_figures import against_truth, stopped_losing, trade_off
from simulator.plan import campaigns_of, offers_of
from simulator.side_by_side import SideBySide
from simulator.truth import RELEVANT
from simulator.week import Chance
from simulator.week_truth import chances, meanings

OF_RELEVANCE = frozenset({"LOW_RELEVANCE", "NO_VALUE", "OUTRANKED"})  # reasons that another score would undo
OURS, RULED, TAUGHT, TRUE = "our scores", "our scores and rules", "taught the truth", "the true chance"
LEAST_SHOWN = 20
_LOOKED_AT = ("member_id", "campaign_id", "offer_id", "verdict", "reason", "relevance", "mailing_relevance")


class Known:
    """The truth of the past by member and offer, and of the nights decided by message (a member and a campaign)."""

    def __init__(self) -> None:
        self._past: list[pd.DataFrame] = []
        self._messages: list[pd.DataFrame] = []
        self._pairs: list[pd.DataFrame] = []

    def watch(self, club: SideBySide) -> Callable[[int, Chance], None]:
        """To be told the chances of a week that is about to be lived; what was sent is remembered."""
        first, names = len(club.offers), [offer.offer_id for offer in offers_of(club.club.seed, club.week)]
        ids = {number: life.people.ids() for number, (life, _, _) in enumerate(club.blocks())}

        def note(block: int, chance: Chance) -> None:
            to, meant = chance.asked[chance.got], chance.pull[chance.got] >= RELEVANT
            self._past.append(
                pd.DataFrame({"member_id": ids[block][to], "offer_id": names[chance.offer - first], "meant": meant})
            )

        return note

    def taught(self, examples: TrainingRows) -> TrainingRows:
        """The examples with the truth in place of the answers: did the offer mean something to the member."""
        past = pd.concat(self._past, ignore_index=True)
        asked = examples.offers.select(["member_id", "offer_id"]).to_pandas()
        meant = asked.merge(past, on=["member_id", "offer_id"], how="left", validate="many_to_one").meant
        told = pa.array(meant.fillna(False).to_numpy(dtype=np.float64))
        return examples.with_truth(told)

    def night(self, club: SideBySide, ledger: pa.Table, pairs: pa.Table, taught: Values, apart: np.ndarray) -> None:
        """Note a night that is decided and not yet lived.

        ledger   `ml.rehearsal.LEDGER`
        pairs    the features it was decided from, and what the taught model says of each
        apart    members (numbers) of whom relevance is not asked
        """
        allowed, meant, chance = club.open(), meanings(club), chances(club)
        asked = ~np.isin(allowed.member, apart)
        keys = pd.DataFrame({"member": allowed.member[asked], "n": allowed.campaign[asked]})
        keys["relevant"] = meant[keys.member, keys.n].max(axis=1) >= RELEVANT
        keys["chance"] = chance[keys.member, keys.n].max(axis=1)
        number = {c.campaign_id: n for n, c in enumerate(campaigns_of(club.club.seed, club.week))}
        place = {o.offer_id: at for c in campaigns_of(club.club.seed, club.week) for at, o in enumerate(c.offers)}

        def located(rows: pa.Table) -> pd.DataFrame:
            frame = rows.select([c for c in _LOOKED_AT if c in rows.column_names]).to_pandas()
            return frame.assign(
                member=frame.member_id.str[1:].astype(np.int64),
                n=frame.campaign_id.map(number),
                place=frame.offer_id.map(place),
            )

        rows = located(ledger)
        rows["open"] = rows.verdict.eq("send") | rows.reason.isin(OF_RELEVANCE)
        rows["went"] = rows.verdict.eq("send")
        rows["ruled"] = np.where(rows.open, rows.mailing_relevance, -1.0)
        # Of several channels and offers that tells which came nearest to being sent: the least restrictive reason.
        rows["mildness"] = rows.reason.map({code.value: n for n, code in enumerate(Reason)}).fillna(len(Reason))
        by = rows.sort_values(["went", "mildness", "relevance"], ascending=False).groupby(
            ["member", "n"], as_index=False
        )
        said = by.agg(
            went=("went", "max"), ours=("mailing_relevance", "max"), ruled=("ruled", "max"), reason=("reason", "first")
        )
        best = located(pairs).assign(taught=taught).groupby(["member", "n"], as_index=False).taught.max()
        self._messages.append(keys.merge(said, on=["member", "n"]).merge(best, on=["member", "n"], how="left"))
        scored = rows[rows.relevance.notna()].drop_duplicates(["member", "n", "place"])
        self._pairs.append(
            pd.DataFrame({"relevance": scored.relevance, "chance": chance[scored.member, scored.n, scored.place]})
        )

    def figures(self) -> list[dict[str, object]]:
        """Rows of truth.csv: curve, of, x, y, rows."""
        messages, pairs = pd.concat(self._messages, ignore_index=True), pd.concat(self._pairs, ignore_index=True)
        return figures(messages.assign(taught=messages.taught.fillna(-1)), pairs)


def figures(messages: pd.DataFrame, pairs: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of curve, of, x, y, rows.

    messages   went (was it sent), relevant (in truth), chance (the true one of an answer), ours, and where there are such ruled and taught
               (scores), reason (of those not sent)
    pairs      relevance and chance of members and offers
    """
    relevant = messages.relevant.to_numpy(dtype=np.float64)
    chance = messages.chance.to_numpy(dtype=np.float64)
    scores = {OURS: messages.ours, TRUE: messages.chance}
    scores |= {name: messages[column] for name, column in ((RULED, "ruled"), (TAUGHT, "taught")) if column in messages}
    out: list[dict[str, object]] = []

    def tell(curve: str, of: str, x: object, y: float, rows: float) -> None:
        out.append({"curve": curve, "of": of, "x": x, "y": y, "rows": int(rows)})

    for kind, truth in (("relevance", relevant), ("answers", chance)):
        for of, score in scores.items():
            values = score.to_numpy(dtype=np.float64)
            for lost, stopped in stopped_losing(values, truth).items():
                tell(f"{kind}, losing", of, lost, stopped, len(messages))
            curve = trade_off(values, truth, 41)
            for lost, stopped in zip(curve.lost, curve.stopped, strict=True):
                tell(f"{kind}, curve", of, float(lost), float(stopped), len(messages))
    went, yes = messages.went.to_numpy(dtype=bool), messages.relevant.to_numpy(dtype=bool)
    tell("at the decision", "irrelevant messages stopped", "share", float((~went)[~yes].mean()), (~yes).sum())
    tell("at the decision", "relevant messages lost", "share", float((~went)[yes].mean()), yes.sum())
    tell("at the decision", "answers lost", "share", float(chance[~went].sum() / chance.sum()), len(messages))
    for reason, part in messages[~went].groupby("reason"):
        if len(part) >= LEAST_SHOWN:
            tell("stopped for", str(reason), "share of them relevant", float(part.relevant.mean()), len(part))
    bins, apart = against_truth(pairs.relevance.to_numpy(dtype=np.float64), pairs.chance.to_numpy(dtype=np.float64))
    for told, true, rows in zip(bins.predicted, bins.observed, bins.rows, strict=True):
        tell("calibration", OURS, float(told), float(true), float(rows))
    tell("calibration error", OURS, "share", apart, len(pairs))
    return out
