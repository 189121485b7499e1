"""Top-ups that were left half way: by a crash, by an answer that never came, by a customer who has yet to act."""

from datetime import datetime
from uuid import UUID, uuid4

from core import work
from core.db import transaction
from core.gateways.payments import PaymentGateway
from wallet.topups import asking, outcomes
from wallet.topups.models import Topup
from wallet.topups.requests import LEASE

BATCH = 16


def finish_due(gateway: PaymentGateway, now: datetime) -> int:
    """Ask the provider again about top-ups that are not decided; how many those were.

    One that an outage has made too old to ask about stays in doubt, for an operator: the provider might charge it anew.
    """
    token = uuid4()
    with transaction() as session:
        due = work.lock_due(session, Topup, states=["pending", "in_doubt", "requires_action"], limit=BATCH, now=now)
        for topup in due:
            if outcomes.may_be_forgotten(topup, at=now):
                topup.state, topup.due_at, topup.lease_token, topup.lease_until = "in_doubt", None, None, None
                topup.last_error = "the provider may have forgotten it"
            else:
                topup.lease_token, topup.lease_until, topup.due_at = token, now + LEASE, now + LEASE
                topup.attempts += 1

    # One by one, since a lease lasts for three slow answers: what was answered is kept, whoever takes the rest over.
    for topup in due:
        if topup.lease_token == token and _still_holds(topup, token, now=now):
            asking.record([(topup, asking.ask(gateway, topup, now=now))], token, now=now)
    return len(due)


def _still_holds(topup: Topup, token: UUID, *, now: datetime) -> bool:
    with transaction() as session:
        return work.still_holds(session, Topup, topup.id, token, now=now)
