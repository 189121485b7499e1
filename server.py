"""What a process of `flask serve` runs: the app of wsgi.py, with what its first requests would wait for in memory."""

import gc

from app import database
from rewards.offers import shelf
from wsgi import app

__all__ = ["app"]

# In production a schema that is behind is migrated by command; until then nothing is served.
if database.is_current():
    shelf.warm()

# It stands for good, as in wsgi.py: 10,000 campaigns are half a million things to look through.
gc.collect()
gc.freeze()
