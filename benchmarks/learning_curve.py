"""How near the scores come to the truth as a club grows: invented clubs of several sizes, each with one model, fitted as a night would have
it and asked about the mailings of three later Mondays, of each the offer that it named.

    python -m benchmarks.learning_curve [--members 1000 2000 4000 8000 16000] [--seeds 11 12] [--save docs/measured/learning_curve.csv]

our scores         learned from who answered
taught the truth   the same learner and the same features, told of every past mailing whether its offer meant something to the member
the true chance    the oracle's, of an answer

Three bags and two blocks of validation instead of five and four, at every size, so that a curve takes a quarter of an hour.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.figures import save
from hemsil.backtest_truth import truth_of
from ml.backtest import asks_of, campaigns_to_replay, rows_of
from ml.club import Club, visible
from ml.consent import may_be_profiled
from ml.ensemble import Values
from ml.examples import ANSWERS, training_asks, training_rows
from ml.features import feature_tables
from ml.inputs import floats
from ml.kept import keep
from ml.model import RelevanceModel
from ml.night import Night
from ml.quality import check_tables
from ml.training import fit_model
from ml.truth_figures import stopped_losing
from resources.platform import Platform
from resources.settings import Settings, prepare_environment
from resources.trainer import training_config
from simulator.club import InventedClub
from simulator.truth import RELEVANT

WEEKS = 52
ASKED_ABOUT = (-9, -5, -1)  # Mondays, weeks before the club's last; the model is of the first of them
PAIR = ["member_id", "offer_id"]


def measured(members: int, seed: int, home: Path) -> list[dict[str, object]]:
    """A row a score: the club, what was learned from and asked about, and of 1,000 irrelevant mailings those that the score stops losing 5,
    10 and 20 % of the relevant."""
    begun = time.perf_counter()
    settings = Settings(
        home=home, source="simulated", simulated_members=members, simulated_seed=seed, simulated_weeks=WEEKS, database_url=None
    )  # fmt: skip
    platform = Platform(settings)
    club = Club.of(check_tables(platform.tables(), platform.now(), platform.source.origins()).clean)
    nights = _nights(platform, club)
    first, last = min(nights, key=lambda n: n.key), max(nights, key=lambda n: n.key)
    then, known = visible(club, first), visible(club, last)
    examples = keep(training_asks(then, first).semi_join(may_be_profiled(then, platform.policy), "member_id"))
    asks = {night: keep(asks_of(club, night, campaigns, platform.policy)) for night, campaigns in nights.items()}
    every = [table.select("as_of", "campaign_id", "member_id") for table in (examples, *asks.values())]
    tables = feature_tables(known, keep(ibis.union(*every, distinct=True)), ANSWERS).kept()
    past = training_rows(then, first, ANSWERS, examples, tables)
    truth = truth_of(InventedClub(members, seed, WEEKS))
    config = replace(training_config(platform), bags=3, blocks=2)
    taught = past.with_truth(_meant(past.offers, truth))
    models = {
        name: fit_model(rows.mailings, rows.offers, first.as_of, config, rows.kind).model
        for name, rows in (("our scores", past), ("taught the truth", taught))
    }
    asked = pa.concat_tables([rows_of(club, night, asks[night], tables, past.kind)[1] for night in nights])
    known_of = asked.select(PAIR).to_pandas().merge(truth, on=PAIR, how="left", validate="many_to_one")
    scores = {name: _relevance(model, asked) for name, model in models.items()}
    scores["the true chance"] = known_of.chance.to_numpy(dtype=np.float64)
    relevant = (known_of.pull >= RELEVANT).to_numpy(dtype=np.float64)
    of = {"members": members, "seed": seed, "learned_from": past.offers.num_rows,
          "answered": int(floats(past.offers["answered"]).sum()), "asked_about": len(known_of), "relevant": int(relevant.sum())}  # fmt: skip
    seconds = round(time.perf_counter() - begun)
    return [{**of, "score": name, **_stopped(score, relevant), "seconds": seconds} for name, score in scores.items()]


def _nights(platform: Platform, club: Club) -> dict[Night, list[str]]:
    """The Mondays asked about, with the campaigns that begin on them."""
    end = platform.source.last_date
    assert end, "the invented club says its last date"
    mondays = [end + timedelta(weeks=weeks) for weeks in ASKED_ABOUT]
    days = campaigns_to_replay(club, min(mondays), max(mondays))
    return {Night(day, platform.source.timezone): campaigns for day, campaigns in days.items() if day in mondays}


def _meant(offers: pa.Table, truth: pd.DataFrame) -> pa.Array:
    """1.0 where the offer meant something to the member, else 0.0."""
    pull = offers.select(PAIR).to_pandas().merge(truth, on=PAIR, how="left", validate="many_to_one").pull
    return pa.array((pull >= RELEVANT).to_numpy(dtype=np.float64))


def _relevance(model: RelevanceModel, rows: pa.Table) -> Values:
    return np.concatenate([model.offer_relevance(batch)[0] for batch in rows.to_batches(max_chunksize=65_536)])


def _stopped(score: Values, relevant: Values) -> Mapping[str, float]:
    return {f"losing_{lost:.0%}": round(1000 * share) for lost, share in stopped_losing(score, relevant).items()}


def main() -> None:
    """Print a row a club and score, and save them where that is asked for, club by club."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[1000, 2000, 4000, 8000, 16000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12])
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    prepare_environment()
    rows: list[dict[str, object]] = []
    for members in given.members:
        for seed in given.seeds:
            with tempfile.TemporaryDirectory(prefix="hemsil-curve-") as home:
                for row in measured(members, seed, Path(home)):
                    print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
                    rows.append(row)
            save(rows, given.save)


if __name__ == "__main__":
    main()
