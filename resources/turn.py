"""Whose turn it is: one night at a time in a data folder, whether the command line, the daemon or a person in the UI started it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from ml.errors import NightIsRunning
from resources.settings import Settings

STARTED_BY = "hemsil/started_by"  # tag of a run whose command holds the turn itself


@contextmanager
def one_night_at_a_time(settings: Settings, wait: bool = False) -> Iterator[None]:
    """A lock that the system releases when the process ends, however it ends. Raises NightIsRunning, unless it is waited for."""
    with (settings.home / "night.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise NightIsRunning("another night is running in this data folder; wait for it to end") from None
        yield
