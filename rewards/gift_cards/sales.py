"""The gift cards that the brand sells: one campaign for each currency, which staff pause when they sell none.

A campaign of the house's own, so that a bought card is a voucher like any other. It has no budget: customers fill it.
"""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from core.db import connection_of
from rewards.campaigns import catalogue
from rewards.gift_cards.errors import GiftCardsNotSold

#: Never to change: the campaigns' ids hang on it.
_NAMESPACE = UUID("6f7c2b1e-30ad-4f0c-8f0e-1f5f4f6f0c41")

_FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


def campaign_id_of(currency: str) -> UUID:
    """The campaign that bought gift cards of a currency belong to."""
    return uuid5(_NAMESPACE, currency)


def open_for(session: Session, currency: str, *, now: datetime) -> UUID:
    """The campaign under which a card may be sold now, made for the first card of its currency.

    raises  GiftCardsNotSold while staff have paused it
    """
    connection = connection_of(session)
    campaign_id = campaign_id_of(currency)
    state = connection.execute(_STATE, [campaign_id]).fetchone()
    if state is None:
        if connection.execute(_MAKE, [campaign_id, currency, now, _FOR_EVER, now]).rowcount:
            catalogue.touch(session, [campaign_id])
        state = connection.execute(_STATE, [campaign_id]).fetchone()
    if state != ("running",):
        raise GiftCardsNotSold
    return campaign_id


_STATE = "SELECT state FROM rewards.campaign WHERE id = %s"

# What a card holds is its buyer's choice: the discount only says that it holds something.
_MAKE = """
    INSERT INTO rewards.campaign (id, name, kind, discount, currency, is_scoped, min_spend_minor, state, starts_at,
                                  ends_at, created_by, created_at)
    VALUES (%s, 'Gift card', 'gift_card', '{"kind": "value", "amount_minor": 1}', %s, false, 0, 'running', %s, %s,
            'system', %s)
    ON CONFLICT DO NOTHING
"""
