"""Workers killed while they prepare a broadcast: each customer is dealt with once, and the books balance."""

import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.db import connection_of, transaction
from core.delivery.models import Message
from core.settings import Settings
from rewards import funds, terms
from rewards.models import VoucherRow
from tests.engage.broadcasts.audience import SAYS_CODE, draft
from tests.engage.conftest import Scene

MEMBERS, KILLS, SEED = 100, 16, 20261122


def test_killed_workers_give_each_member_one_voucher_and_one_message(scene: Scene, settings: Settings) -> None:
    scene.now = clock.now() - timedelta(minutes=1)
    members = scene.customers(MEMBERS)
    campaign_id = scene.gift_card(budget_minor=MEMBERS * 1_000)
    sending = draft(scene, members, campaign_id=campaign_id, template=SAYS_CODE)
    sending.start()

    # Drawn over all that a chunk does, from its claim to its commit.
    ends = _run(settings.database_url, random.Random(SEED).choices(range(5, 90), k=KILLS))

    assert ends == [-signal.SIGKILL] * KILLS + [0]
    assert sending.outcomes() == dict.fromkeys(members, "sent")
    assert sending.now_is().status == "done"
    with transaction() as session:
        vouchers = Counter(session.scalars(select(VoucherRow.customer_id)))
        messages = Counter(session.scalars(select(Message.customer_id)))
        budget = _left(session, campaign_id)
    assert vouchers == messages == Counter(members)
    # Everybody's card was filled once, out of a budget that was exactly enough.
    assert budget == 0


def _left(session: Session, campaign_id: UUID) -> int:
    account_id = terms.load_one(session, campaign_id).budget_account
    return funds.available(connection_of(session), [account_id])[account_id]


def _run(database_url: str, dies_at: list[int]) -> list[int]:
    command = [sys.executable, "-m", "tests.engage.broadcasts.worker_process", database_url]
    asked = "".join(f"{number}\n" for number in [*dies_at, 0])
    told = subprocess.run(command, input=asked, stdout=subprocess.PIPE, text=True, check=True)
    return [int(line) for line in told.stdout.split()]
