"""A batch whose sender is killed with kill -9 is sent again, and gives each customer once."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from sqlalchemy import insert, text

from auth.models import Customer
from core import ids
from core.db import transaction
from core.settings import Settings
from tests.wallet.conftest import NOW
from tests.wallet.finance.people import first_difference
from tests.wallet.finance.sender import CHUNK, batch_of
from wallet.finance import batches

CUSTOMERS = 600

OTHERS = "pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"


@pytest.mark.parametrize(
    ("mode", "kills_at"), [("each", [1, CUSTOMERS // 2]), ("all_or_nothing", [0])], ids=["each", "all_or_nothing"]
)
@pytest.mark.usefixtures("database")
def test_a_killed_batch_gives_each_customer_once(settings: Settings, mode: str, kills_at: list[int]) -> None:
    customers = [ids.new() for _ in range(CUSTOMERS)]
    with transaction() as session:
        session.execute(insert(Customer), [{"id": each, "status": "active", "created_at": NOW} for each in customers])
    named = [str(each) for each in customers]

    for posted in kills_at:
        sender = subprocess.Popen(
            [sys.executable, "-m", "tests.wallet.finance.sender", settings.database_url, mode, *named]
        )
        _wait_until(lambda posted=posted: _count("wallet.transfer_batch") == 1 and _count("wallet.transfer") >= posted)
        sender.send_signal(signal.SIGKILL)
        sender.wait(10)
    _wait_until(lambda: _count(OTHERS) == 0)  # the server ends what its killed client had asked
    cut_off_at = _count("wallet.transfer")
    outcome = batches.run(batch_of(named, mode), now=NOW)

    assert {result.status for result in outcome.results} == {"posted"}
    assert cut_off_at % (CHUNK if mode == "each" else CUSTOMERS) == 0, "whole chunks, or all"
    with transaction() as session:
        held = session.execute(text("SELECT posted, count(*) FROM wallet.balance WHERE has_lots GROUP BY 1")).all()
    assert [tuple(row) for row in held] == [(7, CUSTOMERS)]
    assert _count("wallet.transfer") == CUSTOMERS
    assert _count("core.event WHERE name = 'value.granted'") == CUSTOMERS
    assert first_difference() is None


def _count(what: str) -> int:
    with transaction() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {what}")).scalar_one())


def _wait_until(is_so: Callable[[], bool], within_seconds: float = 30) -> None:
    deadline = time.monotonic() + within_seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come so far"
        time.sleep(0.005)
