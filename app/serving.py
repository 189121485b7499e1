"""What each process of `flask serve` runs: the app, with what its first requests would wait for in memory."""

from app import database
from app.opened import keep_for_good, opened_app
from rewards.offers import shelf

app = opened_app()

# In production a schema that is behind is migrated by command; until then nothing is served.
if database.is_current():
    shelf.warm()
    # 10,000 campaigns are half a million things to look through.
    keep_for_good()
