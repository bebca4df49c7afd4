"""Growing a bag's trees on Spark's workers, by xgboost.spark. What is fitted on which rows is decided in ml/training.py, in either
case; the linear partners, which take a hundredth of the time, are fitted where the night runs.
"""

import logging
from typing import Any

import numpy as np
import pyarrow as pa
import xgboost as xgb
from pyspark.sql import SparkSession
from xgboost.spark import SparkXGBClassifier

from ml.ensemble import Values
from ml.fitting import Grow, Rows
from ml.inputs import Matrix

NAMES = {  # as xgboost.train calls them: as scikit-learn does
    "eta": "learning_rate", "max_depth": "max_depth", "min_child_weight": "min_child_weight", "subsample": "subsample",
    "colsample_bytree": "colsample_bytree", "lambda": "reg_lambda", "max_bin": "max_bin", "base_score": "base_score",
    "seed": "random_state", "monotone_constraints": "monotone_constraints",
}  # fmt: skip
logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)  # it tells of every tree

LEFT_OUT = {"objective", "nthread"}  # the classifier's own, and the task's cores


def grow_on(session: SparkSession, workers: int) -> Grow:
    """A `ml.fitting.Grow` that spreads the rows over as many workers. One worker grows the trees that one process grows; several
    find the cuts together, so that trees differ a little, as with another seed."""

    def grow(
        x: Matrix, rows: Rows, y: Values, weight: Values, rounds: int, parameters: dict[str, object]
    ) -> xgb.Booster:
        unknown = parameters.keys() - NAMES.keys() - LEFT_OUT
        if unknown:
            raise KeyError(f"not known to xgboost.spark: {', '.join(sorted(unknown))}")
        flat = pa.array(x[rows].reshape(-1))
        examples = pa.table(
            {
                "features": pa.FixedSizeListArray.from_arrays(flat, x.shape[1]).cast(pa.list_(pa.float32())),
                "label": pa.array(y.astype(np.float64)),
                "weight": pa.array(weight.astype(np.float64)),
            }
        )
        known: dict[str, Any] = {NAMES[name]: value for name, value in parameters.items() if name in NAMES}
        several = SparkXGBClassifier(
            features_col="features", label_col="label", weight_col="weight", num_workers=workers,
            n_estimators=rounds, tree_method="hist", verbose=False, **known,
        )  # fmt: skip
        model = several.fit(session.createDataFrame(examples))
        booster: xgb.Booster = model.get_booster()
        return booster

    return grow
