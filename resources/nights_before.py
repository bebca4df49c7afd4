"""The gate's second half: tonight's batch against those of the seven days before it. What a batch must be by itself is in
publish_gate.py.

What it is there to catch is a feed that has lost its refusals, or half its members. A night on which many members really
say no passes: their refusals are on record. Campaigns that begin or end are no change: only those in both nights count.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ml.errors import PublishRefused
from ml.policy_operations import Publishing
from ml.reasons import Reason
from resources.batches import Batch

OF_THE_MEMBER = [Reason.ERASED, Reason.OBJECTED, Reason.COMPLAINED]
OF_THE_CAMPAIGN = [Reason.NO_CONSENT, Reason.CHANNEL_OPT_OUT]
NOT_ELIGIBLE = [*OF_THE_MEMBER, *OF_THE_CAMPAIGN, Reason.UNDERAGE, Reason.CONSENT_STALE]
SILENT = [Reason.NO_CONSENT, Reason.UNDERAGE]

COUNTED = """
UPDATE platform.campaigns k SET eligible = CASE WHEN NOT coalesce(s.stale, false) THEN k.audience - coalesce(s.stopped, 0) END,
       silent = coalesce(s.silent, 0)
FROM platform.campaigns own LEFT JOIN (
    SELECT campaign_id, count(*) FILTER (WHERE reason = ANY (:not_eligible)) AS stopped,
           count(*) FILTER (WHERE reason = ANY (:silent) AND d.member_id IS NULL) AS silent,
           bool_or(reason = 'CONSENT_STALE') AS stale
    FROM platform.suppressions s
    LEFT JOIN platform.said d ON d.batch = s.batch AND d.member_id = s.member_id AND d.verdict = 'refused'
    WHERE s.batch = :batch GROUP BY campaign_id) s USING (campaign_id)
WHERE k.batch = :batch AND own.batch = k.batch AND own.campaign_id = k.campaign_id
"""

# Members offered tonight whom the last night had stopped for good: of the member for any campaign, else for the same.
FREED = """
WITH freed AS (
    SELECT o.member_id, bool_or(s.reason = ANY (:of_member)) AS of_member
    FROM (SELECT member_id, campaign_id, reason FROM platform.suppressions
          WHERE batch = :previous AND reason = ANY (:of_member || :of_campaign)) s
    JOIN platform.offers o ON o.batch = :batch AND s.member_id = o.member_id
        AND (s.reason = ANY (:of_member) OR s.campaign_id = o.campaign_id)
    GROUP BY o.member_id)
SELECT count(*) AS freed,
       count(*) FILTER (WHERE NOT heard AND of_member) AS unasked,
       count(*) FILTER (WHERE NOT heard AND NOT of_member) AS unexplained,
       (SELECT count(DISTINCT member_id) FROM platform.suppressions
        WHERE batch = :previous AND reason = ANY (:of_member || :of_campaign)) AS stopped
FROM (SELECT f.of_member, d.member_id IS NOT NULL OR e.member_id IS NOT NULL AS heard
      FROM freed f
      LEFT JOIN platform.said d ON d.batch = :batch AND d.member_id = f.member_id AND d.verdict = 'consented'
      LEFT JOIN (SELECT DISTINCT member_id FROM live.events WHERE kind = 'opt_in') e ON e.member_id = f.member_id) told
"""

MEDIANS = """
SELECT sum(now.audience) AS audience, sum(now.eligible) AS eligible, sum(now.silent) AS silent,
       sum(before.audience) AS audience_before, sum(before.eligible) AS eligible_before, sum(before.silent) AS silent_before
FROM platform.campaigns now
JOIN (SELECT k.campaign_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY k.audience) AS audience,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY k.eligible::float / nullif(k.audience, 0))
                 * percentile_disc(0.5) WITHIN GROUP (ORDER BY k.audience) AS eligible,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY k.silent::float / nullif(k.audience, 0))
                 * percentile_disc(0.5) WITHIN GROUP (ORDER BY k.audience) AS silent
      FROM platform.campaigns k JOIN platform.batches b USING (batch)
      WHERE b.state = 'published' AND b.business_date < :date AND b.business_date >= CAST(:date AS date) - 7
        AND k.eligible IS NOT NULL  -- a night of stale consents says nothing of the club
      GROUP BY k.campaign_id) before USING (campaign_id)
WHERE now.batch = :batch
"""

PREVIOUS = """
SELECT batch FROM platform.batches
WHERE state = 'published' AND business_date < :date AND business_date >= CAST(:date AS date) - 7
ORDER BY business_date DESC LIMIT 1
"""


def check_against_nights_before(connection: Connection, batch: Batch, number: int, limits: Publishing) -> None:
    """Raise PublishRefused naming every figure that is out of bounds; return where none is, or nothing to compare with."""
    connection.execute(sa.text(COUNTED), {"batch": number, "not_eligible": NOT_ELIGIBLE, "silent": SILENT})
    previous = connection.scalar(sa.text(PREVIOUS), {"date": batch.business_date})
    if previous is None:
        return
    asked = {"batch": number, "previous": previous, "of_member": OF_THE_MEMBER, "of_campaign": OF_THE_CAMPAIGN}
    freed = Freed(*connection.execute(sa.text(FREED), asked).one())
    moved = Moved(*connection.execute(sa.text(MEDIANS), {"batch": number, "date": batch.business_date}).one())
    never = freed.unasked_for()
    faults = [] if batch.accepted else [*freed.too_many(limits), *moved.too_far(limits)]
    if never or faults:
        how = "" if never else '. Where it is meant so, run the night with --accept "why"'
        raise PublishRefused("the batch is not published: " + "; ".join(never + faults) + how)


@dataclass(frozen=True)
class Freed:
    """Members offered tonight whom the last night had stopped by law or their own word.

    unasked      of those, stopped on all channels, and without an opt-in
    unexplained  of those, stopped for a campaign, and without an opt-in
    stopped      members that the last night had stopped so
    """

    freed: int
    unasked: int
    unexplained: int
    stopped: int

    def unasked_for(self) -> list[str]:
        words = f"members who had objected, complained or been erased and are offered something without an opt-in: {self.unasked}"
        return [words] if self.unasked else []

    def too_many(self, limits: Publishing) -> list[str]:
        faults = []
        if self.unexplained:
            faults.append(
                f"members without consent the night before who are offered something without an opt-in: {self.unexplained}"
            )
        if self.freed > max(limits.opt_ins_least, limits.opt_ins_share * self.stopped):
            faults.append(
                f"{self.freed} of {self.stopped} stopped members may be written to again in one night, more than"
                f" {limits.opt_ins_share:.1%} and more than {limits.opt_ins_least}"
            )
        return faults


@dataclass(frozen=True)
class Moved:
    """Tonight's campaigns that were there in the seven days before, and the median of each then."""

    audience: int | None
    eligible: int | None
    silent: int | None
    audience_before: int | None
    eligible_before: float | None
    silent_before: float | None

    def too_far(self, limits: Publishing) -> list[str]:
        if not self.audience_before or max(self.audience or 0, self.audience_before) < limits.least_audience:
            return []
        faults = []
        change = float(self.audience or 0) / float(self.audience_before) - 1
        if abs(change) > limits.audience_share:
            faults.append(
                f"audience {self.audience}, {change:+.0%} against {self.audience_before} in the median of 7 days"
                f" (limit {limits.audience_share:.0%})"
            )
        if self.audience:
            faults += self._shares(float(self.audience), float(self.audience_before), limits)
        return faults

    def _shares(self, audience: float, before: float, limits: Publishing) -> list[str]:
        faults = []
        now, then = float(self.eligible or 0) / audience, float(self.eligible_before or 0) / before
        if now - then > limits.eligible_points:
            faults.append(
                f"{now:.1%} may be written to, against {then:.1%} in the median of 7 days"
                f" (limit {100 * limits.eligible_points:.0f} points)"
            )
        now, then = float(self.silent or 0) / audience, float(self.silent_before or 0) / before
        if now - then > limits.eligible_points:
            faults.append(
                f"{now:.1%} have neither consented nor refused, against {then:.1%} in the median of 7 days"
                f" (limit {100 * limits.eligible_points:.0f} points): has the consent feed lost rows?"
            )
        return faults
