"""When the night runs. To run it at another hour or in another zone, change the two constants."""

from datetime import UTC

import dagster as dg

from resources.platform import Platform

HOUR = "0 4 * * *"
ZONE = "Europe/Oslo"


def nightly_schedule(platform: Platform) -> dg.ScheduleDefinition:
    """At 04:00 the night of the club's local date. A source that ends in the past has no night then, and says so."""

    @dg.schedule(
        job_name="nightly",
        cron_schedule=HOUR,
        execution_timezone=ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The night, every morning at 04:00 in Oslo.",
    )
    def nightly_at_four(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        due = context.scheduled_execution_time.astimezone(UTC)
        source = platform.source
        tonight = due.astimezone(platform.zone).date()
        if source.last_date and tonight > source.last_date:
            return dg.SkipReason(f"{source.name} ends on {source.last_date}: there is no night for {tonight}")
        return dg.RunRequest(run_key=tonight.isoformat(), partition_key=tonight.isoformat())

    return nightly_at_four
