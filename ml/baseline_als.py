"""The collaborative baseline: alternating least squares (the `implicit` library) on who bought what before the night."""

import ibis
import numpy as np
import pandas as pd
import scipy.sparse as sp
from implicit.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from ml.baselines import Scores, Tonight
from ml.club import Club
from ml.ensemble import Values

FACTORS, ROUNDS, BEST = 64, 12, 5


def als_scores(club: Club, tonight: Tonight) -> Scores:
    """(mean of the member's five best offers, affinity to the offer's best product).

    `club` is what the night may see. Members without purchases, and offers without known products, score 0.
    """
    lines = club.transactions.filter(club.transactions.quantity > 0)
    counts = (
        lines.group_by("member_id", "product_id")
        .aggregate(n=lines.transaction_id.nunique())
        .order_by("member_id", "product_id")
    )
    bought = counts.to_pandas()
    members, products = pd.Index(bought.member_id.unique()), pd.Index(bought.product_id.unique())
    weights = np.log1p(bought.n.to_numpy(dtype=np.float32))
    at = (members.get_indexer(pd.Index(bought.member_id)), products.get_indexer(pd.Index(bought.product_id)))
    bought_by = sp.csr_matrix((weights, at), shape=(len(members), len(products)))
    with threadpool_limits(1, "blas"):  # implicit has threads of its own; BLAS's among them make it ten times slower
        model = AlternatingLeastSquares(
            factors=FACTORS,
            iterations=ROUNDS,
            regularization=0.1,
            alpha=2.0,
            random_state=tonight.seed % 2**31,
            num_threads=2,
        )
        model.fit(bought_by, show_progress=False)
    rows = tonight.offers.select(["campaign_id", "member_id", "offer_id"]).to_pandas()
    best = _best_product(club, rows, members, products, model.user_factors, model.item_factors)
    frame = rows.assign(score=best).sort_values("score", ascending=False)
    top = (
        frame.groupby(["campaign_id", "member_id"])
        .score.apply(lambda s: s.head(BEST).mean())
        .rename("top")
        .reset_index()
    )
    asks = tonight.mailings.select(["campaign_id", "member_id"]).to_pandas().merge(top, how="left")
    return asks.top.fillna(0).to_numpy(dtype=float), best


def _best_product(
    club: Club, rows: pd.DataFrame, members: pd.Index, products: pd.Index, users: Values, items: Values
) -> Values:
    """Each pair's affinity to the product of the offer that suits the member best."""
    wanted = ibis.memtable(rows[["offer_id"]].drop_duplicates())
    held = club.offer_products.semi_join(wanted, "offer_id").select("offer_id", "product_id").to_pandas()
    held = held.assign(at=products.get_indexer(pd.Index(held.product_id))).query("at >= 0").sort_values("offer_id")
    out = np.zeros(len(rows))
    asked = members.get_indexer(pd.Index(rows.member_id))
    for offer, where in rows.groupby("offer_id").indices.items():
        known = held["at"].to_numpy()[
            held.offer_id.searchsorted(offer, "left") : held.offer_id.searchsorted(offer, "right")
        ]
        who = asked[where]
        if known.size:
            best = (users[who] @ items[known].T).max(axis=1)
            out[where] = np.where(who >= 0, np.maximum(best, 0.0), 0.0)
    return out
