"""The lake tables of a backtest: what each replayed night would have said, and how good that was. Made in backtest_frames.py."""

from ml.tables import Column, Table, Type

BACKTEST_SCORES = Table(
    "backtest_scores", "What replayed nights would have said of each mailing (offer_id missing) and each offer.",
    ("campaign_id", "member_id", "offer_id"),
    (
        Column("member_id", Type.STRING, "The member.", personal=True),
        Column("campaign_id", Type.STRING, "The campaign."),
        Column("offer_id", Type.STRING, "The offer; missing for the mailing as a whole.", nullable=True),
        Column("relevance", Type.NUMBER, "Calibrated probability of an answer, as of the campaign's first night.", "share 0..1", minimum=0, maximum=1),
        Column("threshold", Type.NUMBER, "Least relevance of a mailing that the model of that night asked for.", "share 0..1"),
        Column("verdict", Type.STRING, "What relevance alone would have decided of the mailing.", allowed=("send", "suppress")),
        Column("as_of", Type.TIME, "The instant of the night; nothing later was seen."),
        Column("model_version", Type.STRING, "Digest of the model that the night would have trained."),
        Column("relevance_low", Type.NUMBER, "Lower bound of a mailing's relevance: nine of ten true values lie above it.", "share 0..1", nullable=True),
        Column("answered", Type.NUMBER, "1 if the member answered in time, else 0.", "0 or 1"),
    ),
)  # fmt: skip

BACKTEST_METRICS = Table(
    "backtest_metrics", "How good the replayed nights were, beside every baseline on the same rows.",
    ("level", "subset", "scorer", "metric"),
    (
        Column("level", Type.STRING, "Mailings (will the member answer at all), offers (with which), or what a stage of the run cost.", allowed=("mailing", "offer", "stage")),
        Column("subset", Type.STRING, "Which campaigns: all; closed (the time to answer is over within the data); a kind of campaign; one campaign."),
        Column("scorer", Type.STRING, "The model, one of its parts (part: ...), a baseline, or a fit of a study (without: a family of features, alone: one, past: a share of it); of a stage its name."),
        Column("metric", Type.STRING, "The figure; kept_at_threshold and stopped_at_threshold are of the threshold fixed before each night, promised is what it was to keep; closed is 1 of a campaign whose time to answer is over within the data; of tenths by relevance what was predicted, the lower bound, and what was observed."),
        Column("value", Type.NUMBER, "Its value.", nullable=True),
        Column("low", Type.NUMBER, "Lower end of the 95 % interval, by bootstrap over members; missing where none was made.", nullable=True),
        Column("high", Type.NUMBER, "Upper end of it.", nullable=True),
        Column("gain", Type.NUMBER, "Model less this scorer, on the same draws; of a fit of a study, its like with everything less this one. Missing for those themselves.", nullable=True),
        Column("gain_low", Type.NUMBER, "Lower end of the gain's 95 % interval.", nullable=True),
        Column("gain_high", Type.NUMBER, "Upper end of it.", nullable=True),
        Column("rows", Type.INTEGER, "Mailings or offers measured on."),
    ),
)  # fmt: skip

BACKTEST_TABLES: tuple[Table, ...] = (BACKTEST_SCORES, BACKTEST_METRICS)
