"""Members who have several ids: the strictest word of any of them holds for each. Which words there are is in consent.py."""

import ibis
import ibis.expr.types as ir

from ml.club import Club


def same_person(club: Club) -> ir.Table:
    """(member_id, of_id): for each id of a person who has several, every id of that person, itself included."""
    ids = club.members.filter(club.members.person_id.notnull()).select("member_id", "person_id")
    several = ids.group_by("person_id").aggregate(ids=ids.member_id.nunique())
    ids = ids.semi_join(several.filter(several.ids > 1), "person_id")
    all_of_them = ids.select("person_id", of_id="member_id")
    return ids.join(all_of_them, "person_id").select("member_id", "of_id")


def of_every_id(marked: ir.Table, club: Club) -> ir.Table:
    """(member_id): the marked members, and whoever is the same person as one of them."""
    ids = same_person(club)
    others = ids.join(marked.select(of_id="member_id"), "of_id").select("member_id")
    return marked.select("member_id").union(others).distinct()


def strictest_consent(facts: ir.Table, club: Club, channels: tuple[str, ...]) -> ir.Table:
    """`consent_facts` with, for each id of a person who has several, the strictest of them all: a yes only where every id has said
    yes, since the earliest of those; every no that still stands for one of them."""
    ids = same_person(club)
    every = ids.mutate(channel=ibis.literal(list(channels)).unnest())
    kept = {
        c: _standing(facts[c], facts.granted_at)
        for c in ("withdrawn_at", "unsubscribed_at", "objected_at", "complained_at")
    }
    own = facts.mutate(**kept).rename(of_id="member_id")
    held = every.left_join(own, ["of_id", "channel"])
    merged = held.group_by("member_id", "channel").aggregate(
        granted_at=ibis.ifelse(held.granted_at.isnull().any(), ibis.null("timestamp(6)"), held.granted_at.min()),
        **{name: held[name].max() for name in kept},
    )
    return facts.anti_join(ids, "member_id").union(merged.select(*facts.columns).cast(facts.schema()))


def strictest_preferences(facts: ir.Table, club: Club) -> ir.Table:
    """`preference_facts` with, for each id of a person who has several, every refusal that stands and the lowest limits."""
    ids = same_person(club)
    own = facts.mutate(refused_at=_standing(facts.refused_at, facts.wanted_at)).rename(of_id="member_id")
    held = ids.join(own, "of_id")
    merged = held.group_by("member_id", "channel").aggregate(
        refused_at=held.refused_at.max(),
        wanted_at=ibis.ifelse(held.refused_at.notnull().any(), ibis.null("timestamp(6)"), held.wanted_at.max()),
        chosen_at=held.chosen_at.max(),
        week_limit=held.week_limit.min(where=held.week_limit >= 0),
        week_limit_in_all=held.week_limit_in_all.min(where=held.week_limit_in_all >= 0),
    )
    return facts.anti_join(ids, "member_id").union(merged.select(*facts.columns).cast(facts.schema()))


def _standing(said: ir.TimestampValue, lifted: ir.TimestampValue) -> ir.TimestampValue:
    """The no, where no yes has come after it."""
    return ibis.ifelse((lifted > said).fill_null(False), ibis.null("timestamp(6)"), said)
