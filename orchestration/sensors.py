"""What is started by what was seen rather than by the clock. Why a run is due is told by ml/retraining.py; the clock's runs are
in schedule.py.
"""

from datetime import date

import dagster as dg

from ml.retraining import retraining_due
from resources.platform import Platform
from resources.watched_nights import known_to_fail, trained_for, watched_nights

EVERY = 900  # seconds between two looks


def retraining_sensor(platform: Platform) -> dg.SensorDefinition:
    """Asks for one training when something new has drifted for some nights, a promise was broken or the champion is too old."""

    @dg.sensor(
        job_name="retrain",
        minimum_interval_seconds=EVERY,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Trains out of turn when drift or broken promises ask for it; says why, and not again for some days.",
    )
    def retrain_when_due(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        limits = platform.policy.monitoring
        most_drifted = platform.policy.drift.max_drifted_share
        nights = watched_nights(platform.lake, limits.failing_nights, most_drifted)
        asked = date.fromisoformat(context.cursor) if context.cursor else None
        trained = trained_for(platform)
        since = [trained, asked if asked and trained and asked >= trained else None]
        known = known_to_fail(platform.lake, since, most_drifted)
        due = retraining_due(nights, trained, asked, limits, known)
        if not due.retrain:
            return dg.SkipReason(due.reason)
        key = nights[-1].night.isoformat()
        request = dg.RunRequest(run_key=f"retrain {key}", partition_key=key, tags={"hemsil/why": due.reason})
        return dg.SensorResult(run_requests=[request], cursor=key)

    return retrain_when_due
