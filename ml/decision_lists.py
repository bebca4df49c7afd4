"""What is published of the ledger: whom to send what, and whom not to write to and why. The columns are those of
published_tables.py without the batch and the business date, which publishing adds.
"""

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.night import Night, start_of_day
from ml.pairs import attach
from ml.policy import Policy
from ml.published_tables import OFFER_TABLE, SUPPRESSION_LIST
from ml.reasons import Reason
from ml.tables import Table
from ml.wording import json_object

BATCH_COLUMNS = ("batch_id", "business_date")


def published(definition: Table) -> ibis.Schema:
    """The schema of a published table before its batch is known."""
    return ibis.schema({c.name: c.type.ibis for c in definition.columns if c.name not in BATCH_COLUMNS})


def offer_table(decisions: ir.Table, club: Club, night: Night) -> ir.Table:
    """One row a member and slot to be sent: valid through the business date, with what the message needs to greet."""
    sent = decisions.filter(decisions.verdict == "send")
    members = club.members.select("member_id", "first_name", "language")
    named = attach(attach(sent, members, "member_id"), club.offers.select("offer_id", "title"), "offer_id")
    named = attach(named, club.campaigns.select("campaign_id", "message_class"), "campaign_id")
    tomorrow = start_of_day(night.business_date + timedelta(days=1), night.timezone)
    schema = published(OFFER_TABLE)
    return named.select(
        *(name for name in schema if name in decisions.columns and name != "reason"),
        reason=named.detail,
        merge_fields=json_object({"first_name": named.first_name, "language": named.language, "title": named.title}),
        valid_from=ibis.literal(night.as_of),
        valid_until=ibis.literal(tomorrow),
        message_class=named.message_class,
    ).select(*schema).cast(schema)  # fmt: skip


def suppression_list(decisions: ir.Table, audience: ir.Table, policy: Policy, model_version: str) -> ir.Table:
    """One row a member of a campaign's audience with nothing of it to be sent.

    audience  (campaign_id, member_id), no row twice; those of whom nothing was scored are on the list too

    Shown is the pair that came nearest to being sent: the one whose most restrictive failure is the least restrictive,
    then the most relevant. So the reason is what stands between the member and the campaign, not the worst of all.
    """
    sent = decisions.filter(decisions.verdict == "send")
    left = audience.select("campaign_id", "member_id").anti_join(sent, ["campaign_id", "member_id"])
    shown = attach(left, nearest(decisions, left), ("campaign_id", "member_id"))
    schema = published(SUPPRESSION_LIST)
    unjudged = ibis.array([ibis.literal(Reason.LOW_CONFIDENCE.value)])
    return shown.select(
        "campaign_id",
        "member_id",
        "relevance",
        "threshold",
        "would_pass_if",
        "until",
        reason=shown.reason.fill_null(Reason.LOW_CONFIDENCE.value),
        detail=shown.detail.fill_null("Nothing of this campaign could be judged for you."),
        reasons=shown.reasons.fill_null(unjudged),
        model_version=shown.model_version.fill_null(model_version),
        policy_version=ibis.literal(policy.version),
    ).select(*schema).cast(schema)  # fmt: skip


def nearest(decisions: ir.Table, of: ir.Table) -> ir.Table:
    """(campaign_id, member_id, ...): of the pairs not sent of each member and campaign in `of`, the one nearest to being sent.

    An offer outranked within its own message, or on a channel not chosen, says nothing of why the message does not go:
    the limit that stopped the message is nearer. What is told of a pair is looked up when it is found: it is long, and the rows are many."""
    message = ["campaign_id", "member_id"]
    stopped = decisions.filter(decisions.verdict == "suppress").semi_join(of, message)
    least = ibis.struct(
        {
            "place": -_nearness(stopped.reason),
            "relevance": -stopped.relevance.fill_null(-1.0),
            "offer_id": stopped.offer_id,
            "channel": stopped.channel,
        }
    )
    found = stopped.group_by(message).aggregate(
        offer_id=stopped.offer_id.argmin(least), channel=stopped.channel.argmin(least)
    )
    best = decisions.semi_join(found, [*message, "offer_id", "channel"])
    return best.select(
        *message,
        "reason",
        "detail",
        "threshold",
        "would_pass_if",
        "until",
        "model_version",
        relevance=best.mailing_relevance,
        reasons=best.failures.map(lambda failed: failed.code),
    )


def verdicts(decisions: ir.Table) -> ir.Table:
    """(campaign_id, member_id, verdict): "sent", or the reason that the suppression list shows."""
    asked = decisions.group_by("campaign_id", "member_id").aggregate(
        sent=(decisions.verdict == "send").any(), place=_nearness(decisions.reason).max()
    )
    reason = ibis.cases(*((asked.place == n, code.value) for n, code in enumerate(_FROM_FAR_TO_NEAR)))
    return asked.select("campaign_id", "member_id", verdict=asked.sent.ifelse("sent", reason))


# As the reasons stand, save that an offer outranked in its own message is farther than the limit that stopped the message.
_FROM_FAR_TO_NEAR: list[Reason] = [code for code in Reason if code != Reason.OUTRANKED]
_FROM_FAR_TO_NEAR.insert(_FROM_FAR_TO_NEAR.index(Reason.CHANNEL_CAP), Reason.OUTRANKED)


def _nearness(reason: ir.StringValue) -> ir.IntegerValue:
    """How near a pair of this reason was to being sent."""
    return ibis.cases(*((reason == code.value, n) for n, code in enumerate(_FROM_FAR_TO_NEAR)))
