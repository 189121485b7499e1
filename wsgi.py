"""What a server runs: `app`. Settings come from the environment; a bad one ends the start in one line."""

import gc

from app.factory import create_app
from app.start import open_house
from core.errors import ConfigurationError
from core.settings import Settings

try:
    _settings = Settings.from_env()
    open_house(_settings)
    app = create_app(_settings)
except ConfigurationError as error:
    raise SystemExit(f"pocketful: {error}") from None

# What stands after the start stands for good: the collector need not look through it again and again.
gc.collect()
gc.freeze()
