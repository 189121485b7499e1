"""Printing: gift cards in batches of codes that the campaign's budget fills as they are made."""

from datetime import datetime

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.errors import Refusal
from rewards import counters, terms
from rewards.errors import CampaignNotRunning, LimitReached
from rewards.gift_cards import cards
from rewards.terms import Terms
from rewards.vouchers import batches, issuing, making
from rewards.vouchers.models import ENDED, CodeBatch
from wallet import accounts, ledger

#: Cards of one transaction, which must be short: each is a posting.
AT_ONCE = 100


def make_some(session: Session, batch: CodeBatch, *, now: datetime) -> int:
    """Make and fill the batch's next cards; how many. It ends with its campaign, and where that gives no more cards.

    raises   InsufficientFunds where the budget does not last: then the batch waits for more
    effects  takes from the campaign's total limit and from its budget; announces codes.made with the last one
    """
    of = terms.load_one(session, batch.campaign_id)
    count = min(batch.asked - batch.made, AT_ONCE)
    try:
        batches.check_not_over(of, now)
        count = _count(connection_of(session), of, count)
    except (CampaignNotRunning, LimitReached) as refusal:
        return _end_early(batch, refusal, now=now)
    made = making.write(session, batch, of, count=count, now=now)

    connection = connection_of(session)
    counters.give_back(connection, [(name, count - len(made)) for name, _ in of.limits(None)])
    expires_at = of.expiry(now)
    due_at = cards.due_of(expires_at)
    connection.execute(_WATCH, [due_at, made])
    making.note(session, batch, len(made), now=now)
    accounts.open_all(connection, [cards.account_of(card_id, of.currency) for card_id in made])
    fillings = [issuing.filling(card_id, of, at=now, batch_id=str(batch.id)) for card_id in made]
    ledger.post_all(connection, fillings)
    return len(made)


def _count(connection: Connection, of: Terms, count: int) -> int:
    """How many of so many cards the campaign's total limit lets be made, which are counted.

    raises  LimitReached where it is none
    """
    limits = dict(of.limits(None))
    left = counters.lock(connection, limits)
    allowed = min([count, *left.values()])
    if allowed < 1:
        raise LimitReached(limit=min(limits.values()))
    counters.add(connection, dict.fromkeys(limits, allowed))
    return allowed


def _end_early(batch: CodeBatch, refusal: Refusal, *, now: datetime) -> int:
    batch.refused = batch.asked - batch.made
    batch.faults = [{"code": refusal.code, "count": batch.refused}]
    batch.end(ENDED, now=now)
    return batch.refused


_WATCH = "INSERT INTO rewards.gift_card (voucher_id, due_at) SELECT id, %s FROM unnest(%s::uuid[]) AS c (id)"
