"""Until somebody waits for a lock: for tests of what one transaction does while another one wants what it holds."""

import time

from sqlalchemy import text

from core.db import transaction


def until_somebody_waits(number: int = 1) -> None:
    """Return once so many connections to this test's database wait for a lock."""
    deadline = time.monotonic() + 30
    while _waiting() < number:
        assert time.monotonic() < deadline, f"fewer than {number} wait for a lock"
        time.sleep(0.005)  # another connection's state, which nobody tells us of


def _waiting() -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with transaction() as session:
        return int(session.execute(text(query)).scalar_one())
