"""The application over an opened house, as this process's environment says."""

import gc

from flask import Flask

from app.factory import create_app
from app.start import open_house
from core.errors import ConfigurationError
from core.settings import Settings


def opened_app() -> Flask:
    """Open the house and build the app; a bad setting ends the process in one line."""
    try:
        settings = Settings.from_env()
        open_house(settings)
        app = create_app(settings)
    except ConfigurationError as error:
        raise SystemExit(f"pocketful: {error}") from None
    keep_for_good()
    return app


def keep_for_good() -> None:
    """What stands now stands for good: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
