"""The pages that `hemsil ui` serves beside Dagster and MLflow. Which pages there are is in web/."""

from starlette.applications import Starlette

from resources.settings import read_settings
from web.reports import create_app


def app() -> Starlette:
    """The reports of this installation, for uvicorn's `--factory`."""
    return create_app(read_settings().reports)
