"""Trying a condition on a basket before anybody goes by it. Nothing is changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth.models import Store
from core.db import connection_of
from core.errors import NotFound
from core.notes import Notes
from rewards.baskets import Basket
from rewards.rules import uses
from rewards.rules.errors import RuleInvalid
from rewards.rules.loading import load
from rewards.rules.parsing import parse
from wallet.paying.tills import Till


def check(
    session: Session,
    *,
    condition: dict[str, Any],
    basket: Basket,
    currency: str,
    customer_id: UUID | None,
    store_id: UUID | None,
    at: datetime,
) -> dict[str, Any]:
    """The reason tree of a condition for a basket.

    raises  RuleInvalid; NotFound for an unknown store
    """
    connection, notes = connection_of(session), Notes("/condition")
    rule = parse(condition, notes, known=uses.known_to(connection, [condition]))
    if notes.errors:
        raise RuleInvalid(errors=notes.errors)
    till = _till(session, store_id) if store_id else None
    facts = load(connection, rule.needs, customer_id=customer_id, basket=basket, till=till, at=at, currency=currency)
    return rule.explain(facts)


def _till(session: Session, store_id: UUID) -> Till:
    """Some till of a store: no condition asks which one."""
    store = session.get(Store, store_id)
    if store is None:
        raise NotFound("There is no such store")
    return Till(merchant_id=store.merchant_id, store_id=store.id, terminal_id=store.id)
