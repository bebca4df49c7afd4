"""The table of the audit of false suppression as the lake keeps it. How its figures are reached is in false_suppression.py."""

from ml.tables import Column, Table, Type

FALSE_SUPPRESSION = Table(
    "false_suppression", "What stopping costs and mailing earns, from messages sent below the threshold by chance and from the control group.", ("question",),
    (
        Column("question", Type.STRING, "What is asked.", allowed=("share_of_stopped", "answers_lost", "answers_gained", "spend_gained")),
        Column("value", Type.NUMBER, "The estimate; missing where it cannot be known.", nullable=True),
        Column("low", Type.NUMBER, "Lower end of the 95 % interval.", nullable=True),
        Column("high", Type.NUMBER, "Upper end of it.", nullable=True),
        Column("unit", Type.STRING, "Unit of the estimate."),
        Column("members", Type.INTEGER, "Members it rests on; missing below 20.", "members", nullable=True, minimum=20),
        Column("effective", Type.NUMBER, "Messages that the weighted sample is worth; missing where nothing is weighted.", nullable=True, minimum=0),
        Column("unknown", Type.STRING, "Why it cannot be known; missing where it is.", nullable=True),
        Column("says", Type.STRING, "The answer in a sentence."),
    ),
)  # fmt: skip
