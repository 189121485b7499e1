"""What must be known of customers to decide about their letters, read for a whole batch at once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth.contacts import Contact, contacts_of
from core.db import connection_of
from engage import consents
from engage.consents import Consents, opt_outs
from engage.contacting import caps, policy
from engage.contacting.caps import Caps
from engage.contacting.policy import Policy
from engage.incoming import windows
from engage.templates.wording import Wording


@dataclass(frozen=True, slots=True)
class World:
    """Made by `prepare`, or in memory by who plays with it (a backtest).

    opted_out  (index of a number, channel) that said STOP, whoever has the number
    windows    by customer, until when WhatsApp takes free text to them; to others approved templates alone
    traits     by customer, what is known of them, where a letter may say it
    """

    now: datetime
    policy: Policy
    caps: Caps
    contacts: Mapping[UUID, Contact] = field(default_factory=dict)
    said: Consents = field(default_factory=Consents)
    opted_out: Collection[tuple[bytes, str]] = frozenset()
    windows: Mapping[UUID, datetime] = field(default_factory=dict)
    traits: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)
    first_orders: Mapping[UUID, datetime] = field(default_factory=dict)


def prepare(
    session: Session, customer_ids: Iterable[UUID], *, now: datetime, wordings: Iterable[Wording] = ()
) -> World:
    """Everything that letters to these customers hang on, in about eight statements for any number of them.

    Call it with all of a batch's customers before vouchers are issued: counts under frequency caps are locked first.

    wordings  what may be said: traits, first orders and windows are read only where one of them asks for it
    effects   locks the customers' counts
    """
    wanted = set(customer_ids)
    holds = policy.current(session)
    contacts = contacts_of(session, wanted)
    zones = {customer_id: contact.time_zone for customer_id, contact in contacts.items()}
    locked = caps.lock(session, wanted, holds, now, zones_at_hand=zones)
    wordings = list(wordings)
    says = frozenset(name for wording in wordings for name in wording.says)
    is_by_whatsapp = any(wording.has("whatsapp") for wording in wordings)
    return World(
        now=now,
        policy=holds,
        caps=locked,
        contacts=contacts,
        said=consents.of_many(session, wanted),
        opted_out=opt_outs.of_many(session, [contact.phone_index for contact in contacts.values()]),
        windows=windows.ends_of(session, wanted, now=now) if is_by_whatsapp else {},
        traits=_traits(session, wanted, {name.split(".")[1] for name in says if name.startswith("traits.")}),
        first_orders=_first_orders(session, wanted) if "customer.first_order_days" in says else {},
    )


def _traits(
    session: Session, customer_ids: Collection[UUID], names: Collection[str]
) -> Mapping[UUID, Mapping[str, Any]]:
    if not names:
        return {}
    found: dict[UUID, dict[str, Any]] = {}
    for customer_id, name, value in connection_of(session).execute(_TRAITS, [list(customer_ids), list(names)]):
        found.setdefault(customer_id, {})[name] = value
    return found


def _first_orders(session: Session, customer_ids: Collection[UUID]) -> Mapping[UUID, datetime]:
    return dict(connection_of(session).execute(_FIRST_ORDERS, [list(customer_ids)]).fetchall())


_TRAITS = "SELECT customer_id, name, value FROM insights.trait WHERE customer_id = ANY(%s) AND name = ANY(%s)"

_FIRST_ORDERS = """
    SELECT customer_id, first_order_at FROM insights.profile
     WHERE customer_id = ANY(%s) AND first_order_at IS NOT NULL
"""
