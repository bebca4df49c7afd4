"""For whom a model is good: age and place of the members it is judged on, where the club knows them. Looked at in the model card,
never learned from, and no part of the promotion gate.
"""

import pandas as pd

PEOPLE = ("age", "place")  # columns that `with_people` adds
AGES = ((0, 35, "under 35"), (35, 55, "35 to 54"), (55, 120, "55 and older"))
PLACES = 8  # the largest by members; all others are one
LEAST = 20  # members, below which a place is not told apart


def with_people(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The rows with the member's age, in bands at the time of the question, and place, missing where not known.

    rows    VALIDATION
    people  member_id, birth_year, postcode: a row a member
    """
    told = rows.merge(people, on="member_id", how="left", validate="m:1")
    years = pd.to_datetime(told.as_of).dt.year - told.birth_year.astype(float)
    age = pd.Series(None, index=told.index, dtype=object)
    for least, most, name in AGES:
        age[(years >= least) & (years < most)] = name
    region = told.postcode.astype(object).str.strip().str[:2]
    members = (
        told.assign(region=region).groupby("region").member_id.nunique().sort_values(ascending=False, kind="stable")
    )
    named = members[members >= LEAST].index[:PLACES]
    place = ("postcodes " + region + "...").where(region.isin(named), "elsewhere").where(region.notna(), None)
    return told.drop(columns=["birth_year", "postcode"]).assign(age=age, place=place)
