"""The table of the night's drift verdicts as the lake keeps it. How verdicts are reached is in drift.py."""

from ml.tables import Column, Table, Type


def _share(name: str, meaning: str) -> Column:
    return Column(name, Type.NUMBER, meaning, "share 0..1", nullable=True, minimum=0, maximum=1)


DRIFT = Table(
    "drift", "How far each feature and score of the night is from what the model was trained on.", ("report", "column_name"),
    (
        Column("report", Type.STRING, "What was compared: the name of the report, as in its file name."),
        Column("column_name", Type.STRING, "The feature, score or decision."),
        Column("kind", Type.STRING, "How it was read.", allowed=("numeric", "categorical")),
        Column("method", Type.STRING, "The distance: wasserstein is in standard deviations of the reference, jensenshannon is 0..0.83; none where none could be taken.", allowed=("wasserstein", "jensenshannon", "none")),
        Column("value", Type.NUMBER, "The distance; missing where none could be taken.", nullable=True, minimum=0),
        Column("threshold", Type.NUMBER, "The largest distance that passes: the limit, or what chance alone gives with so few rows where that is more.", nullable=True, minimum=0),
        _share("null_share_current", "Rows of the night without a value; missing where there are no rows."),
        _share("null_share_reference", "The same in the reference."),
        _share("inf_share_current", "Rows of the night with an infinite value."),
        _share("inf_share_reference", "The same in the reference."),
        Column("new_categories", Type.INTEGER, "Categories of the night that the reference does not have.", nullable=True, minimum=0),
        _share("new_category_share", "Known values of the night that the reference has nowhere: of categories, and of numbers where the reference has one number only."),
        Column("rows_current", Type.INTEGER, "Rows of the night.", "rows", minimum=0),
        Column("rows_reference", Type.INTEGER, "Rows of the reference.", "rows", minimum=0),
        Column("verdict", Type.STRING, "pass, warn (look at it) or fail (do not trust the scores before it is explained).", allowed=("pass", "warn", "fail")),
        Column("reason", Type.STRING, "Why, in a sentence."),
    ),
)  # fmt: skip
