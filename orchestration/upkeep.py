"""What is done every day beside the night: deleting what has been kept long enough."""

from typing import Any

import dagster as dg

from resources.platform import Platform
from resources.retention import delete_outlived


@dg.op(description="Delete what is older than the policy's [retention] allows.")
def delete_what_is_outlived(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
    """Tells counts only."""
    gone = delete_outlived(platform)
    context.add_output_metadata(
        {"lake tables": gone.lake, "batches": gone.batches, "claims": gone.claims, "exported files": gone.files}
    )


@dg.job(
    name="retention",
    description="Delete what has been kept as long as the policy allows.",
    executor_def=dg.in_process_executor,
)
def retention_job() -> None:
    """One op."""
    delete_what_is_outlived()


RETENTION_SCHEDULE: Any = dg.ScheduleDefinition(
    name="retention_at_six",
    job=retention_job,
    cron_schedule="0 6 * * *",
    execution_timezone="Europe/Oslo",
    description="What has been kept long enough, every morning at 06:00 in Oslo.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
