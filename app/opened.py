"""The application over an opened house, as this process's environment says."""

import gc

from flask import Flask

from app.factory import create_app
from app.start import open_house
from core.errors import ConfigurationError
from core.settings import Settings

#: So many new objects are looked through together, some megabytes.
_YOUNG_OBJECTS = 20_000


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
    """What stands now stands for good: the collector need not look through it again and again. Nor every 700 objects: a
    batch of a hundred events makes twice as many, of which none is part of a circle (a sixteenth of the door's CPU)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
