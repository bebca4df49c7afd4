"""`hemsil db shell`: psql on the database of the settings. The password goes by the environment, not by its arguments."""

import os
import shutil
from collections.abc import Sequence
from typing import NoReturn

from sqlalchemy.engine import make_url

from ml.errors import SettingsError
from resources.home import database_url
from resources.postgres_binaries import find_programs
from resources.settings import Settings


def open_psql(settings: Settings, arguments: Sequence[str]) -> NoReturn:
    """Become psql. Raises SettingsError when there is none, DatabaseUnavailable."""
    url = make_url(database_url(settings))
    beside = find_programs(settings.pg_bin) / "psql" if settings.database_url is None else None
    program = str(beside) if beside and beside.exists() else shutil.which("psql")
    if program is None:
        raise SettingsError(
            "there is no psql on this machine; install it, or set HEMSIL_PG_BIN to a folder that has one"
        )
    if url.password:
        os.environ["PGPASSWORD"] = str(url.password)
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    os.execv(program, [program, address, *arguments])
