"""Writes docs/relevance.md and its pictures from the figures that `hemsil backtest --save` wrote to docs/measured. The sections are
those of the report that each backtest makes; what no table can say is written here.
"""

from pathlib import Path

import pandas as pd

from docs.grid import grid
from ml.backtest_report import sections
from ml.backtest_report_study import STUDIED
from ml.backtest_targets import TARGETS_OF
from ml.backtest_told import Section, Told

FOLDER = Path(__file__).parent / "measured"
MEASURED = (FOLDER / "relevance.csv", FOLDER / "relevance-study.csv")  # the second where a study was run
PICTURES = "measured"


def relevance_page() -> str:
    """The page, as text."""
    told = "\n\n".join(_section(part) for part in _sections())
    return f"""# How good is the relevance

Past campaigns are replayed as their first night would have gone: features from what happened strictly before, a model trained only on
mailings whose time to answer was over, the threshold fixed beforehand. The functions are those of the night itself.

```sh
.venv/bin/hemsil backtest                                # all campaigns from 2017-08-08, with every baseline
.venv/bin/hemsil backtest --quick                        # fewer bags and bootstrap draws, the same baselines
.venv/bin/hemsil backtest --source simulated --keep 0.8  # another club, another promise
.venv/bin/hemsil backtest --quick --study                # what families of features and more of the past earn, too
```

Every mailing and offer goes to the lake table `backtest_scores`, every figure with its interval, beside each baseline, to
`backtest_metrics`. A page made of them, with the sections below, goes to `reports/<date>/backtest.html` in the data folder
and is among the reports of `hemsil ui`.

Here they are for The Complete Journey, whose package says that the data is simulated from real shopping patterns and meant for education. Made by
`make docs` from {" and ".join(_made(path) for path in MEASURED if path.exists())}.

{told}

## How to read them

- An interval is about 0.02 of AUC on either side: what is better is told by the paired gains, on the same mailings and the same draws of members.
- In the large campaigns (Type A) a member got some 16 of 200 coupons and which ones is not recorded, so offers never sent to the member count as
  refused: their figures flatter. The campaigns with few offers (Types B and C) are the honest test of offers, on 70 members who answered.
- Not all choices were made blindly: that the month is left out below two years of history, the caution of the threshold, and how trees
  and linear partners are weighed were settled after looking at these campaigns. Expect the last thousandths to vanish on new data.
- A quick run has two bags in place of five and leaves out campaigns that could still be answered at the end of the data. It is a first look:
  with the same code its offers' NDCG at 5 is 0.372, six thousandths below that of the run in full, which the page above is of.
- What families of features, two stages in place of one, and more of the past earn is told by `hemsil backtest --study`{_studied()}.
- A mailing AUC above 0.86 would be a leak until disproved; `make test-all` asks that it is not.
"""


def relevance_pictures() -> dict[str, bytes]:
    """The page's pictures: PNG by their names below docs."""
    return {_picture(part, at): png for part in _sections() for at, (_, png) in enumerate(part.figures)}


def _sections() -> list[Section]:
    """Those of the first measured file, and of the second what only a study tells."""
    whole, *studies = (Told(pd.read_csv(path), TARGETS_OF) for path in MEASURED if path.exists())
    first = sections(whole)
    studied = [make(told) for told in studies for make in STUDIED]
    titles = {part.title for part in first}
    return [*first, *(part for part in studied if part is not None and part.title not in titles)]


def _studied() -> str:
    return "" if MEASURED[1].exists() else ", whose figures for The Complete Journey are still to be measured"


def _section(part: Section) -> str:
    tables = [grid([str(c) for c in t.columns], t.astype(str).to_numpy().tolist()) for t in part.tables]
    figures = [f"![{words}]({_picture(part, at)})" for at, (words, _) in enumerate(part.figures)]
    return "\n\n".join([f"## {part.title}", part.text, *tables, *figures])


def _picture(part: Section, at: int) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in part.title.lower()).split()
    return f"{PICTURES}/relevance-{'-'.join(words)}{f'-{at + 1}' if at else ''}.png"


def _made(path: Path) -> str:
    first = pd.read_csv(path, nrows=1).iloc[0]
    return f"`docs/measured/{path.name}`, which `{first['made_by']} --save` wrote on {first['made_on']} with the code `{first['code']}` of `ml/`"
