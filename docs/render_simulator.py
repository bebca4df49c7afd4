"""Writes docs/simulator.md and its pictures from what `hemsil six-months --save docs/measured` and `python -m benchmarks.simulator`
measured.
"""

import csv
from pathlib import Path

import pandas as pd

from docs.grid import grid
from ml import plots
from simulator.truth import RELEVANT

MEASURED = Path(__file__).parent / "measured"
OURS, EVERYONE, KNOWING = "our decisions", "mail everyone", "all-knowing"
SAYS = {
    OURS: "the night's own decision: features, model, rules and limits, with the policy of `policy.toml`; the model learns anew every four weeks",
    EVERYONE: "each campaign to everyone it is planned for, with the offer that most members have bought of lately",
    "by popularity, as many": "as many messages as ours, the campaign of what most have bought lately first",
    "at random, as many": "as many messages as ours, to whom and with what chance chooses",
    "mail nobody": "no message at all",
    KNOWING: "what no club can do: only to whom an offer means something in truth, with the one that means most",
}
CURVE = MEASURED / "learning_curve.csv"
SCORERS = ("our scores", "our scores and rules", "taught the truth", "the true chance")
TAUGHT, TRUE = SCORERS[2:]


def simulator_page() -> str:
    """The page, as text."""
    weekly, truth = _read("half_year.csv"), _read("truth.csv")
    first, weeks = weekly.iloc[0], int(weekly.week.max()) + 1
    total = weekly.groupby("way", sort=False).sum(numeric_only=True)
    last = weekly[weekly.week == weekly.week.max()].set_index("way")
    decided = truth[truth.curve == "at the decision"].set_index("of")
    stopped, lost = decided.loc["irrelevant messages stopped"], decided.loc["relevant messages lost"]
    saved = 1 - _gone(total.loc[OURS]) / _gone(total.loc[EVERYONE])
    kept = total.loc[OURS].added / total.loc[EVERYONE].added
    error = truth[truth.curve == "calibration error"].y.iloc[0]
    regret = 1 - total.loc[OURS].reached / total.loc[OURS].relevant
    return f"""# What the invented club shows

Made by `make docs` from `docs/measured/half_year.csv` and `truth.csv`, which `hemsil six-months --save docs/measured` writes, and `simulator.csv` of
`python -m benchmarks.simulator`. All of it is of an invented club ([why](adr/0011-simulator.md)): it shows whether the platform does what it should where the
truth is known, and nothing about any real club.

## What relevant means here

A message is **relevant** to a member when one of its campaign's offers means something to them: a pull of {
        RELEVANT
    } or more, which is the point from which a
message that is looked at is answered by 7 of 100 who would not have answered without it, and is felt as welcome rather than as noise. The pull is of the
member's taste, time since the last one, season and price position on that Monday. It is not the answer, which hangs on chance as well.
Asked about are messages to members who may be written to by law and by their own word, and who may be profiled; the control group is left out.

## Half a year

{int(first.members):,} members who had been mailed in the club's old way for {int(first.history)} weeks lived {
        weeks
    } weeks in each of these ways, with the same luck:

{grid(("way", "what is sent"), SAYS.items())}

{
        grid(
            (
                "way",
                "messages a member and week",
                "unsubscribed or complained",
                "of 1,000 irrelevant stopped",
                "of 1,000 relevant reached",
                "answers added",
                "earned",
                "annoyance at the end",
            ),
            (_row(name, total.loc[name], last.loc[name], int(first.members), weeks) for name in SAYS),
        )
    }

*Answers added* are those there would not have been without the messages: the sum of their true chances, sent less not sent. *Earned* is their margin less the costs
of contact, in which a few dear things weigh more than all the rest. Annoyance is the mean over members; 0 is none. Of {
        int(
            total.loc[OURS].messages
        ):,} messages that we sent, none was against a member's word, as the club refuses to live such a
week; {int(total.loc[OURS].minors)} went to members under age who had told no year of birth.

Beside mailing everyone, our decisions avoided **{saved:.0%}** of the unsubscribings and complaints and kept **{
        kept:.0%}** of the answers that messages add, with {
        total.loc[OURS].messages / total.loc[EVERYONE].messages:.0%} of the messages.

![Annoyance, week by week](measured/half-year.png)

## Irrelevant messages stopped, relevant ones lost

**Of 1,000 irrelevant messages {1000 * stopped.y:.0f} were stopped, and of 1,000 relevant ones {
        1000 * lost.y:.0f} were lost** ({int(stopped.rows):,} and {int(lost.rows):,} messages of {weeks} weeks). {
        _target(stopped.y, lost.y)
    }

The table tells how many irrelevant messages could be stopped by a score while so many of the relevant ones are lost. *Our scores* are the night's relevance; with the *rules*, what
a rule stops is stopped first. *Taught the
truth* is the same learner with the same features, but told of every past message whether it was relevant instead of whether it was answered: what it can read from this
club's tables at all. *The true chance* is the oracle who knows each member's chance of an answer. What lies between the last two is hidden from the tables: tastes that no
purchase has shown yet, and when a washing machine was bought before the history began. What lies between the first two is what some thousand answers cannot teach of members most of whom never answer
([where it lies](adr/0029-where-the-gap-to-the-oracle-lies.md), [what the plan has to do with it](adr/0032-the-invented-clubs-marketing-plans-what-sells-in-its-season.md)). {
        _beside(truth)
    }

{
        grid(
            ("score", *(f"losing {share:.0%}" for share in (0.05, 0.1, 0.2))),
            (_losing(truth, "relevance", of) for of in _told(truth)),
        )
    }

The same where relevant is weighed by the true chance of an answer, so that chance itself has its part:

{
        grid(
            ("score", *(f"losing {share:.0%}" for share in (0.05, 0.1, 0.2))),
            (_losing(truth, "answers", of) for of in _told(truth)),
        )
    }

![Irrelevant messages stopped, by the share of relevant ones lost](measured/trade-off.png)

Regret: beside the oracle, who reaches every relevant message of its own half year, we missed {
        regret:.0%} of the relevant messages, and added {total.loc[OURS].added:,.0f} answers where
it added {total.loc[KNOWING].added:,.0f}.

What was stopped, by the reason shown, and how much of it was relevant in truth (reasons of 20 messages or more):

{grid(("reason", "messages", "relevant in truth"), _reasons(truth))}

## Calibration

The mean distance of relevance to the true chance of an answer is {error:.4f}, over {
        int(truth[truth.curve == "calibration error"].rows.iloc[0]):,} pairs in ten bins:

{grid(("relevance", "true chance", "pairs"), _bins(truth))}

## With more members

{_curve()}
## What the club costs

{_scale()}
"""


def _curve() -> str:
    """How near the scores come as the club grows; nothing where it was not measured."""
    if not CURVE.exists():
        return "Not measured yet: `python -m benchmarks.learning_curve --save docs/measured/learning_curve.csv`.\n"
    told = pd.read_csv(CURVE)
    losing = [name for name in told.columns if name.startswith("losing_")]
    rows = []
    for members, of_size in told.groupby("members"):
        seeds = of_size.seed.nunique()
        answered = of_size.drop_duplicates("seed").answered.mean()
        for score, of_score in of_size.groupby("score", sort=False):
            figures = (f"{value:.0f}" for value in of_score[losing].mean())
            rows.append((f"{members:,}", str(seeds), f"{answered:,.0f}", score, *figures))
    first = told.groupby("members").first()
    largest = told[told.members == told.members.max()].groupby("score")[losing].mean()
    below = ((largest.loc["the true chance"] - largest.loc["our scores"]) / 10).round()
    return f"""Clubs of several sizes, each with one model fitted as a night would have it, and asked about the mailings of three later Mondays, each by the offer that it named
(`python -m benchmarks.learning_curve`; lighter models than a night's, at every size: three bags and two blocks of validation). Of 1,000 irrelevant mailings those that a score stops, losing so many of the relevant; means over
the clubs of a size, other ones than the half year's. From {first.index.min():,} to {first.index.max():,} members:

{grid(("members", "clubs", "answers on record", "score", *(name.removeprefix("losing_") for name in losing)), rows)}

At {first.index.max():,} members our scores are {", ".join(f"{points:.0f}" for points in below)} points below the true chance's own curve. A model learns from the messages that were
opened alone ([what that earns](adr/0034-what-was-opened-is-learned-from.md)).
"""


def pictures() -> dict[str, bytes]:
    """Files of docs/measured by name."""
    weekly, truth = _read("half_year.csv"), _read("truth.csv")
    annoyed = weekly.pivot_table(index="week", columns="way", values="annoyance")[list(SAYS)]
    curves = truth[truth.curve == "relevance, curve"].assign(x=lambda row: row.x.astype(float))
    shown = curves.pivot_table(index="x", columns="of", values="y")[_told(truth)]
    return {
        "half-year.png": plots.lines(annoyed, "Annoyance, week by week", "mean over members"),
        "trade-off.png": plots.lines(
            shown, "Irrelevant messages stopped, by share of relevant ones lost", "share stopped"
        ),
    }


def _target(stopped: float, lost: float) -> str:
    if stopped >= 0.9 and lost <= 0.05:
        return "The aim was 900 stopped and 50 lost."
    return "The aim was 900 stopped and 50 lost: it is not reached, and the table tells what could be by anybody who reads this club's tables."


def _told(truth: pd.DataFrame) -> list[str]:
    """The scorers that were measured, in order."""
    measured = set(truth.of[truth.curve == "relevance, losing"])
    return [name for name in SCORERS if name in measured]


def _beside(truth: pd.DataFrame) -> str:
    held = truth[truth.curve == "relevance, losing"].pivot_table(index="x", columns="of", values="y")
    own = _told(truth)[0]
    short, far = (100 * (held[name] - held[own]).max() for name in (TAUGHT, TRUE))
    near = "within" if short <= 5 else "not within"
    return f"""At these losses {own} are {near} 5 points of
what the truth itself can teach (at most {max(short, 0):.0f} below it), and up to {far:.0f} points below the oracle."""


def _row(name: str, total: pd.Series, last: pd.Series, members: int, weeks: int) -> tuple[str, ...]:
    return (
        name, f"{total.messages / members / weeks:.2f}", f"{_gone(total):.0f}", f"{1000 * total.stopped / total.irrelevant:.0f}",
        f"{1000 * total.reached / total.relevant:.0f}", f"{total.added:,.0f}", f"{total.earned:,.0f}", f"{last.annoyance:.2f}",
    )  # fmt: skip


def _gone(total: pd.Series) -> float:
    return float(total.left + total.complained)


def _losing(truth: pd.DataFrame, kind: str, of: str) -> tuple[str, ...]:
    rows = truth[(truth.curve == f"{kind}, losing") & (truth.of == of)]
    return (of, *(f"{1000 * value:.0f} of 1,000" for value in rows.y))


def _reasons(truth: pd.DataFrame) -> list[tuple[str, str, str]]:
    rows = truth[truth.curve == "stopped for"].sort_values("rows", ascending=False)
    return [(f"`{row['of']}`", f"{int(row['rows']):,}", f"{row['y']:.1%}") for row in rows.to_dict("records")]


def _bins(truth: pd.DataFrame) -> list[tuple[str, str, str]]:
    rows = truth[truth.curve == "calibration"]
    return [(f"{float(row['x']):.4f}", f"{row['y']:.4f}", f"{int(row['rows']):,}") for row in rows.to_dict("records")]


def _scale() -> str:
    with (MEASURED / "simulator.csv").open() as file:
        rows = list(csv.DictReader(file))
    told = grid(
        ("members", "weeks of history", "seconds", "of these computing", "largest memory, MB", "Parquet, MB"),
        ((f"{int(r['members']):,}", r["weeks"], r["wall_s"], r["cpu_s"], r["peak_mb"], r["parquet_mb"]) for r in rows),
    )
    return f"""A club is written block by block of 2,000 members, so that its size is a matter of time and not of memory. Seconds by the clock are those of a machine that may have had other
work; seconds of computing are the process's own, on one core:

{told}

The same seed gives the same bytes, and a larger club begins with the members of a smaller one (`tests/test_simulated_source.py`)."""


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(MEASURED / name)
