"""Who has said yes and no to what, read from consents, preferences, responses and birth years. The rules made of it are
in rules_consent.py.

One order of events holds throughout: the later word counts, a no wins over a yes of the same instant, and a word on
all channels is a word on each; but that messages are wanted at all does not take back a no to one channel.
"""

from collections.abc import Collection

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.club import Club
from ml.errors import PolicyError
from ml.persons import of_every_id, same_person, strictest_consent, strictest_preferences
from ml.policy import Policy
from ml.rule import Facts
from ml.source_tables import CHANNELS, CONSENTS
from ml.thing_names import plain


def refuse_without_consents(recorded: Collection[str], policy: Policy) -> None:
    """Raises PolicyError where `consents` is not among the tables that the club records, unless the policy takes its audiences
    as consenting. A table without rows is recorded: nobody has consented, and nobody is sent marketing."""
    if CONSENTS.name not in recorded and policy.consent.assume == "refuse":
        raise PolicyError(
            "the club has no consents table, and who consented is never guessed: add the table, or set "
            'consent.assume = "audience" in policy.toml if a campaign\'s audience holds only members who consented'
        )


def consent_facts(basis: Basis) -> ir.Table:
    """(member_id, channel): when marketing was last granted_at, withdrawn_at (an unsubscribing counts as one),
    objected_at (withdrawn for all channels at once) and complained_at."""
    said = _each_channel(_words(basis.club))
    at = said.at
    facts = said.group_by("member_id", "channel").aggregate(
        granted_at=at.max(where=said.word == "granted"),
        withdrawn_at=at.max(where=said.word.isin(["withdrawn", "objected", "unsubscribed"])),
        unsubscribed_at=at.max(where=said.word == "unsubscribed"),
        objected_at=at.max(where=said.word == "objected"),
        complained_at=at.max(where=said.word == "complained"),
    )
    return strictest_consent(facts, basis.club, CHANNELS)


def _words(club: Club) -> ir.Table:
    """Every word on marketing as (member_id, channel or all, word, at)."""
    consents = club.consents.filter(club.consents.purpose == "marketing")
    refusal = (consents.channel == "all").ifelse("objected", "withdrawn")
    given = consents.select(
        "member_id", "channel", word=consents.granted.ifelse("granted", refusal), at=consents.recorded_at
    )
    complaints = club.responses.filter(club.responses.kind == "complaint")
    complained = complaints.select(
        "member_id", channel=ibis.literal("all"), word=ibis.literal("complained"), at="occurred_at"
    )
    return ibis.union(given, complained, _unsubscribed(club))


def _unsubscribed(club: Club) -> ir.Table:
    """Unsubscribings, on the channels on which the member had been sent that campaign; on all where no sending is known."""
    pressed = club.responses.filter(club.responses.kind == "unsubscribe")
    sent = club.mailings.select("member_id", "campaign_id", "channel").distinct()
    joined = pressed.left_join(sent, ["member_id", "campaign_id"])
    return joined.select(
        "member_id", channel=joined.channel.fill_null("all"), word=ibis.literal("unsubscribed"), at="occurred_at"
    )


def _each_channel(said: ir.Table) -> ir.Table:
    """A word on all channels, as one on each."""
    every = ibis.literal(list(CHANNELS))
    return said.mutate(channel=(said.channel == "all").ifelse(every, ibis.array([said.channel])).unnest())


def preference_facts(basis: Basis) -> ir.Table:
    """(member_id, channel): the last refused_at and wanted_at; chosen_at, when this very channel was last wanted;
    week_limit, the member's own limit on it, and week_limit_in_all, over all channels (-1: none was set).

    A no to this very channel stands until this very channel is wanted again: who says "no text messages" and then "at most one
    message a week in all" wants no text messages."""
    stated = basis.club.preferences
    stated = stated.mutate(
        on_all=stated.channel == "all",
        refused=~stated.wanted | (stated.max_per_week == 0).fill_null(False),
        at=stated.recorded_at,
        per_week=stated.max_per_week.fill_null(-1),
    )
    said = _each_channel(stated)
    told = said.group_by("member_id", "channel").aggregate(
        refused_here=said.at.max(where=said.refused & ~said.on_all),
        refused_in_all=said.at.max(where=said.refused & said.on_all),
        wanted_in_all=said.at.max(where=~said.refused & said.on_all),
        chosen_at=said.at.max(where=~said.refused & ~said.on_all),
        week_limit=said.per_week.argmax(said.at, where=~said.on_all),
        week_limit_in_all=said.per_week.argmax(said.at, where=said.on_all),
    )
    stands = told.refused_here.notnull() & ~(told.chosen_at > told.refused_here).fill_null(False)
    refused = stands.ifelse(told.refused_here, told.refused_in_all)
    lifted = ibis.coalesce(ibis.greatest(told.wanted_in_all, told.chosen_at), told.wanted_in_all, told.chosen_at)
    wanted = stands.ifelse(ibis.null(lifted.type()), lifted)
    told = told.mutate(refused_at=refused, wanted_at=wanted)
    facts = told.drop("refused_here", "refused_in_all", "wanted_in_all")
    return strictest_preferences(facts, basis.club)


def age_facts(basis: Basis) -> ir.Table:
    """(member_id): the latest year that the member may have been born in, of the register's and the one last declared; of
    two declared at one instant the later year."""
    club = basis.club
    facts = club.declared_facts
    said = facts.filter(plain(facts.fact) == "birth_year").mutate(year=lambda fact: fact.value.try_cast("int64"))
    said = said.filter(said.year.notnull())  # what cannot be read takes nothing back
    corrected = ibis.struct({"at": said.declared_at, "year": said.year})
    declared = said.group_by("member_id").aggregate(year=said.year.argmax(corrected))
    years = ibis.union(club.members.select("member_id", year="birth_year"), declared).filter(
        lambda of: of.year.notnull()
    )
    told = years.group_by("member_id").aggregate(born_latest=years.year.max())
    ids = same_person(club)
    others = ids.join(told.rename(of_id="member_id"), "of_id").select("member_id", "born_latest")
    every = told.union(others)
    return every.group_by("member_id").aggregate(born_latest=every.born_latest.max())


def profiling_facts(basis: Basis) -> ir.Table:
    """(member_id): may the member be profiled. One row for every member."""
    members = basis.club.members.select("member_id")
    recorded = basis.wide.profiling if basis.wide else None
    able = may_be_profiled(basis.club, basis.policy, recorded).mutate(profiled=ibis.literal(True))
    joined = members.left_join(able, "member_id")
    return joined.select("member_id", profiled=joined.profiled.fill_null(False))


def may_be_profiled(club: Club, policy: Policy, recorded: ir.Table | None = None) -> ir.Table:
    """(member_id): the members who may be trained on and scored.

    Where the club records consents to profiling (policy consent.profiling = "where_recorded"), those who gave one and
    have not withdrawn it since; where it records none, or with "unless_withdrawn", all who have not withdrawn it. `recorded` (`Wide.profiling`) says whether it does, where `club` is
    one shard of it.
    """
    asked = club.consents.filter(club.consents.purpose == "profiling")
    last = asked.group_by("member_id").aggregate(
        granted_at=asked.recorded_at.max(where=asked.granted), withdrawn_at=asked.recorded_at.max(where=~asked.granted)
    )
    members = club.members.select("member_id")
    refused = last.filter(last.withdrawn_at.notnull() & ~(last.granted_at > last.withdrawn_at).fill_null(False))
    willing = members.anti_join(of_every_id(refused, club), "member_id")
    if policy.consent.profiling == "unless_withdrawn":
        return willing
    recorded = records_profiling(club) if recorded is None else recorded
    joined = willing.cross_join(recorded).left_join(last.select("member_id", "granted_at"), "member_id")
    return joined.filter(~joined.records | joined.granted_at.notnull()).select("member_id")


def records_profiling(club: Club) -> ir.Table:
    """(records) in one row: has anybody ever consented to profiling."""
    asked = club.consents.filter(club.consents.purpose == "profiling")
    return asked.aggregate(records=asked.granted.any().fill_null(False))


def doubt_facts(basis: Basis) -> ir.Table:
    """(member_id): members of whom a row on consent or preferences could not be read, or may have meant them: its id is theirs but
    for letters of case, spaces around it and zeros before it."""
    members = basis.club.members.select("member_id")
    meant = basis.doubts.select(alike=_alike(basis.doubts.member_id)).distinct()
    alike = members.mutate(alike=_alike(members.member_id)).semi_join(meant, "alike")
    return of_every_id(alike.select("member_id"), basis.club).mutate(in_doubt=ibis.literal(True))


def _alike(member_id: ir.StringValue) -> ir.StringValue:
    return member_id.lower().re_replace(r"^[\s0]+|\s+$", "")


def erased_facts(basis: Basis) -> ir.Table:
    """(member_id): members who asked to be erased."""
    return of_every_id(basis.erased, basis.club).mutate(is_erased=ibis.literal(True))


CONSENT = Facts(("member_id", "channel"), consent_facts)
PREFERENCES = Facts(("member_id", "channel"), preference_facts)
AGE = Facts(("member_id",), age_facts)
PROFILING = Facts(("member_id",), profiling_facts)
DOUBT = Facts(("member_id",), doubt_facts)
ERASURE = Facts(("member_id",), erased_facts)
