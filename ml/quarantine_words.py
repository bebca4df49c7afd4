"""What the rules of quarantine mean, and how rows come back, in words for whoever keeps a club's tables."""

from collections.abc import Iterable, Sequence

# Kind of rule -> (what is wrong, how the rows come back).
RULES = {
    "null": ("a value that must be there is missing", "fill it in"),
    "type": ("the value cannot be read as the column's type", "write it as docs/tables.md says"),
    "not_finite": ("the number is not a number, or infinite", "write a number, or leave it empty where it may be"),
    "range": ("the value is smaller or larger than it can be", "mend the unit or the value"),
    "value": ("the word is not one of those the column may have", "use one of them, or ask for another to be added"),
    "form": ("the JSON does not give each fact the values that fit", 'write it as {"gender": ["female"]}: texts, numbers, true and false, one or a list; "any" for all'),
    "order": ("an end lies before its beginning", "mend one of the two"),
    "future": ("the time is later than now", "mend the clock of what wrote it; what is merely early comes back by itself"),
    "unknown": ("it points to a row that is not there, or is itself in quarantine", "hand in the other row; late ones bring these back by themselves"),
    "duplicate": ("the key is there twice; the more careful of the rows was used", "give each row a key of its own, or hand it in once"),
}  # fmt: skip


def quarantine_told(found: Iterable[tuple[str, str, int]], read: dict[str, int], most_share: float) -> str:
    """Markdown: rows set aside by table and rule, counts only, what is wrong with them and how they come back.

    found       (table, rule, rows)
    read        table -> rows that came
    most_share  of a table's rows that may be set aside before the night stops
    """
    rows = [_told(*one, read) for one in sorted(found, key=_most_first)]
    if not rows:
        return "# Quarantine\n\nEvery row of the club's tables could be used.\n"
    return (
        "# Quarantine\n\n"
        "Rows of the club's tables that broke the contract were set aside: the night went on without them. Members of whom a row on consent or"
        " preferences could not be read are not mailed. A night stops before anything is published where more than"
        f" {most_share:.0%} of a table is set aside.\n\n"
        + "| table | rule | rows | of the table | what is wrong | how they come back |\n|---|---|---|---|---|---|\n"
        + "\n".join(f"| {' | '.join(row)} |" for row in rows)
        + "\n\n## Release\n\nNothing is released by hand: every night reads the club's tables anew. Mend the rows where they come from, and run"
        " the night again with `hemsil nightly --again`; what is right then is used. The rows themselves, word for word, are in the lake table"
        " `quarantine`; `hemsil quarantine --to rows.csv` writes them for whoever mends them.\n"
    )


def _most_first(one: tuple[str, str, int]) -> tuple[int, str, str]:
    return -one[2], one[0], one[1]


def _told(table: str, rule: str, rows: int, read: dict[str, int]) -> Sequence[str]:
    wrong, back = RULES[rule.partition(":")[0]]
    share = f"{rows / read[table]:.2%}" if read.get(table) else ""
    return table, rule, f"{rows:,}", share, wrong, back
