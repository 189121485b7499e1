"""What the provider calls our customers, and the ways to pay that it keeps for them. It is told their id, no name."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.db import transaction
from core.gateways.outcomes import Unknown
from core.gateways.payments import Method, PaymentGateway, SheetKeys
from wallet.topups.errors import PaymentMethodUnknown, ProviderUnavailable
from wallet.topups.models import Payer

#: Anything else would be another path in the provider's address.
_METHOD = re.compile("[A-Za-z0-9_]{1,255}")


def known(session: Session, customer_id: UUID, *, provider: str) -> str | None:
    """The provider's name for a customer, where it has one."""
    payer = session.get(Payer, (customer_id, provider))
    return payer.provider_reference if payer else None


def open_(customer_id: UUID, *, gateway: PaymentGateway, now: datetime) -> str:
    """The provider's name for a customer, given by it where there is none yet. Opens transactions of its own.

    raises  ProviderUnavailable
    """
    with transaction() as session:
        found = known(session, customer_id, provider=gateway.name)
    if found is not None:
        return found

    made = gateway.open_payer(reference=str(customer_id))
    if isinstance(made, Unknown):
        raise ProviderUnavailable(reason=made.reason)
    with transaction() as session:
        session.execute(
            insert(Payer)
            .values(customer_id=customer_id, provider=gateway.name, provider_reference=made, created_at=now)
            .on_conflict_do_nothing(index_elements=["customer_id", "provider"])
        )
        return known(session, customer_id, provider=gateway.name) or made


def sheet_keys(payer: str, *, gateway: PaymentGateway) -> SheetKeys:
    """What the app's payment sheet needs; outside any transaction.

    raises  ProviderUnavailable
    """
    keys = gateway.sheet_keys(payer=payer)
    if isinstance(keys, Unknown):
        raise ProviderUnavailable(reason=keys.reason)
    return keys


def methods(customer_id: UUID, *, gateway: PaymentGateway) -> Sequence[Method]:
    """A customer's saved ways to pay; none where the provider does not know them. Asks the provider.

    raises  ProviderUnavailable
    """
    with transaction() as session:
        payer = known(session, customer_id, provider=gateway.name)
    found = gateway.methods(payer=payer) if payer else []
    if isinstance(found, Unknown):
        raise ProviderUnavailable(reason=found.reason)
    return found


def detach(customer_id: UUID, method: str, *, gateway: PaymentGateway) -> None:
    """Have the provider forget a saved way to pay.

    raises  PaymentMethodUnknown, also for another customer's; ProviderUnavailable
    """
    if not _METHOD.fullmatch(method):
        raise PaymentMethodUnknown
    with transaction() as session:
        payer = known(session, customer_id, provider=gateway.name)
    done = gateway.detach(payer=payer, method=method) if payer else False
    if isinstance(done, Unknown):
        raise ProviderUnavailable(reason=done.reason)
    if not done:
        raise PaymentMethodUnknown
