"""What is polled every second reads an index, however many rows are at rest: here the look for workers that died."""

from typing import Any

import pytest
from sqlalchemy import event

from auth.authorizing.models import LogoutNotice
from core import clock, work
from core.db import transaction
from core.delivery.models import Message
from core.work import Due
from wallet.topups.models import AutoTopup


@pytest.mark.parametrize(
    ("model", "leased", "index"),
    [
        (Message, "claimed", "_lease_until_idx"),
        (AutoTopup, "charging", "ix_auto_topup_leased"),
        (LogoutNotice, "calling", "ix_logout_notice_leased"),
    ],
)
def test_lost_leases_are_found_by_an_index(database: None, model: type[Due], leased: str, index: str) -> None:
    asked: list[tuple[str, Any]] = []
    with transaction() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        work.lost_leases(session, model, leased=leased, limit=10, now=clock.now())
        [(statement, values)] = asked
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("SET LOCAL enable_seqscan = off")
        plan = raw.execute(f"EXPLAIN {statement}", values).fetchall()

    assert any(index in line for (line,) in plan), plan
