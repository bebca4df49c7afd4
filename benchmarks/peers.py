"""What the night's stages cost beside the least they could, and beside the obvious way, in one run on the same rows. A size must have been
measured by benchmarks/night.py before, whose lake is read here.

    python -m benchmarks.peers --members 10000 [--in-memory 40000] [--rounds 3] [--save docs/measured/peers.csv]

scoring beside prediction   assembling, predicting and writing the scores, beside XGBoost's `inplace_predict` of the same rows as matrices in memory
scoring beside the model    the same beside all the model does with those matrices: the linear partners and the bounds too
scoring beside pandas       beside cross join, merges, ranks by groupby and `predict` in pandas; each in a process of its own, memory too. Of a club as large
                            as pandas can hold (--in-memory, a size measured before too), shard by shard; 40,000 members take pandas 20 GB
deciding beside a scan      the ledger made and written, beside one scan of every value of the scored pairs

Features and training beside theirs are in peers_of_fitting.py.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pyarrow as pa
import xgboost as xgb

from benchmarks.figures import save
from benchmarks.night_stages import KEY, chosen_for, platform_of
from benchmarks.processor import processor
from ml.ensemble import log_odds, probability
from ml.examples import UNKNOWN
from ml.features_of_offers import DEPARTMENT, MEMBER_OFFER, RANKED, SHARED
from ml.lake_tables import SCORES
from ml.shards import WHOLE, shards_in
from resources.night_shards import write_ledger
from resources.platform import Platform
from resources.scorer import Chosen, asks_to_score, pair_rows_of, score_night

LIMITS = {
    "scoring beside prediction": "at most 1.5", "scoring beside the model": "", "scoring beside pandas, seconds": "at most 0.1",
    "scoring beside pandas, memory": "at most 0.1", "deciding beside a scan": "",
}  # fmt: skip


def beside_prediction(platform: Platform, chosen: Chosen) -> tuple[float, float, float]:
    """Processor seconds of (scoring, the trees alone, the whole model alone)."""
    night = platform.night(KEY)
    platform.lake.begin_parts(SCORES.name, KEY)

    def ours() -> None:
        platform.lake.write_part(SCORES, KEY, WHOLE, score_night(platform, night, chosen))

    scoring = processor(ours)
    platform.lake.begin_parts(SCORES.name, KEY)
    ensemble = chosen.scorer.offer
    held = [ensemble.inputs.matrix(rows) for rows in pair_rows_of(platform, night)]
    trees = processor(lambda: [[booster.inplace_predict(x) for booster in ensemble.trees] for x in held])
    model = processor(lambda: [ensemble.predict_matrix(x) for x in held])
    return scoring, trees, model


def in_pandas(platform: Platform, chosen: Chosen) -> pd.DataFrame:
    """The scores as one would write them down first: cross join, merges, ranks by groupby, predict."""
    night = platform.night(KEY)
    asks = asks_to_score(platform, night).select("campaign_id", "member_id").to_pandas()
    read = {name: _frame(platform, name) for name in ("member_features", "campaign_features", "member_campaign_features", "offer_features", "member_offer_features", "member_department_features")}  # fmt: skip
    ask = ["campaign_id", "member_id"]
    rows = asks.merge(read["offer_features"], on="campaign_id")
    rows = rows.merge(read["member_offer_features"], on=[*ask, "offer_id"], how="left")
    rows = rows.merge(read["member_department_features"], on=["member_id", "department"], how="left")
    counts = [f.name for f in (*MEMBER_OFFER, *DEPARTMENT) if not f.name.endswith(UNKNOWN)]
    rows[counts] = rows[counts].fillna(0)
    groups = rows.groupby(ask)
    size = groups["offer_id"].transform("size")
    for name in RANKED:
        rows[f"{name}_rank"] = (groups[name].rank(method="min", ascending=False) - 1) / (size - 1)
    for name in SHARED:
        rows[f"{name}_share"] = (rows[name] / groups[name].transform("sum").replace(0, np.nan)).fillna(0)
    rows["product_lift"] = np.log((rows.product_baskets_91 + 0.3) / (rows.reach_baskets + 0.05))
    rows["offer_known_share"] = rows.offer_products_known / rows.products.replace(0, np.nan)
    rows["subcategory_of_usual"] = rows.subcategory_days_since / rows.usual_interval.replace(0, np.nan)
    rows = rows.merge(read["campaign_features"], on="campaign_id").merge(read["member_features"], on="member_id")
    rows = rows.merge(read["member_campaign_features"], on=ask)
    ensemble = chosen.scorer.offer
    x = ensemble.inputs.matrix(pa.Table.from_pandas(rows, preserve_index=False))
    trees = np.stack([booster.predict(xgb.DMatrix(x)) for booster in ensemble.trees])
    linear = np.stack([probability(partner.predict(x)) for partner in ensemble.linear])
    odds = log_odds((1 - ensemble.linear_share) * trees + ensemble.linear_share * linear).mean(axis=0)
    return rows[[*ask, "offer_id"]].assign(relevance=probability(odds))


def _frame(platform: Platform, name: str) -> pd.DataFrame:
    folder = platform.lake.folder(name, KEY)
    return pd.concat([pd.read_parquet(file) for file in sorted(folder.glob("*.parquet"))], ignore_index=True)


def deciding(platform: Platform, chosen: Chosen) -> tuple[float, float]:
    """Processor seconds of (deciding, one scan of the scored pairs)."""
    night = platform.night(KEY)
    made = processor(lambda: write_ledger(platform, night, WHOLE, chosen))
    scores = platform.lake.read(SCORES, KEY)
    scan = scores.aggregate(**{name: scores[name].cast("string").max() for name in scores.columns})
    return made, processor(scan.to_pyarrow)


def alone(what: str, folder: Path) -> dict[str, float]:
    """One way of scoring in a process of its own: processor seconds, and the most memory it held, in GB."""
    command = [sys.executable, "-m", "benchmarks.peers", "--alone", what, "--folder", str(folder)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    return found


def _run_alone(what: str, folder: Path) -> None:
    platform, chosen = platform_of(folder), chosen_for(folder)
    if what == "pandas":
        seconds = processor(lambda: in_pandas(platform, chosen))
    else:
        seconds = processor(lambda: _scored_by_shard(platform, chosen))
        platform.lake.begin_parts(SCORES.name, KEY)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"seconds": seconds, "peak": peak}))


def _scored_by_shard(platform: Platform, chosen: Chosen) -> None:
    night = platform.night(KEY)
    platform.lake.begin_parts(SCORES.name, KEY)
    for shard in shards_in(platform.shards(night)):
        platform.lake.write_part(SCORES, KEY, shard, score_night(platform, night, chosen, shard))


def measured(folder: Path, in_memory: Path, rounds: int) -> list[dict[str, object]]:
    """A row a comparison: the median of the rounds."""
    platform, chosen = platform_of(folder), chosen_for(folder)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in LIMITS}
    for _ in range(rounds):
        scoring, trees, model = beside_prediction(platform, chosen)
        found["scoring beside prediction"].append((scoring, trees))
        found["scoring beside the model"].append((scoring, model))
        found["deciding beside a scan"].append(deciding(platform, chosen))
    ours, pandas = alone("ours", in_memory), alone("pandas", in_memory)
    found["scoring beside pandas, seconds"].append((ours["seconds"], pandas["seconds"]))
    found["scoring beside pandas, memory"].append((ours["peak"], pandas["peak"]))
    rows = []
    for name, pairs in found.items():
        mine, other = (median(pair[side] for pair in pairs) for side in (0, 1))
        ratio = median(pair[0] / pair[1] for pair in pairs)
        of = in_memory if "pandas" in name else folder
        rows.append({"comparison": name, "members": of.name, "ours": round(mine, 3), "peer": round(other, 3),
                     "ratio": round(ratio, 3), "limit": LIMITS[name], "rounds": len(pairs), "load": f"{os.getloadavg()[0]:.1f}"})  # fmt: skip
        print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    return rows


def main() -> None:
    """Print each comparison, and save them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", default="10000", help="a size that benchmarks.night has measured, of one shard")
    parser.add_argument("--in-memory", help="the size that is scored beside pandas too; empty = the same")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("/tmp/hemsil-bench"))
    parser.add_argument("--save", type=Path)
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        _run_alone(given.alone, given.folder)
        return
    rows = measured(given.work / given.members, given.work / (given.in_memory or given.members), given.rounds)
    save(rows, given.save)


if __name__ == "__main__":
    main()
