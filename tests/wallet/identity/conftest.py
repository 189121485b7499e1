"""A customer whose identity is to be checked, at the sandbox or at a stand-in of the real provider."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text

from core import clock, ids
from core.db import transaction
from core.gateways.identity import IdentityGateway
from core.gateways.stripe_identity import StripeIdentity
from tests.standins import stripe_identity
from tests.wallet.doors import sign_up
from wallet import limits
from wallet.identity import checks
from wallet.identity.checks import CheckRequest, Submitted
from wallet.identity.models import IdentityCheck


@pytest.fixture
def customer_id(database: None) -> UUID:
    return sign_up()


@pytest.fixture
def stripe() -> Iterator[stripe_identity.StripeIdentity]:
    with stripe_identity.StripeIdentity() as server:
        yield server


@pytest.fixture
def gateway(stripe: stripe_identity.StripeIdentity) -> StripeIdentity:
    return StripeIdentity(api_key=stripe_identity.API_KEY, webhook_secrets=[stripe_identity.SECRET], api_url=stripe.url)


def submit(
    gateway: IdentityGateway, customer_id: UUID, document: str | None = None, *, key: str = "", body: bytes = b"same"
) -> Submitted:
    request = CheckRequest(
        principal=f"customer:{customer_id}",
        key=key or str(ids.new()),
        fingerprint=body,
        customer_id=customer_id,
        document_token=document,
    )
    return checks.submit(request, gateway=gateway, now=clock.now())


def check_now(check_id: UUID) -> IdentityCheck:
    with transaction() as session:
        check = session.get(IdentityCheck, check_id)
        assert check is not None
        return check


def tier_of(customer_id: UUID) -> str:
    with transaction() as session:
        return limits.tier_of(session, customer_id)


def announced() -> list[str]:
    """What was announced about identities and tiers, in order: the name, then the outcome or the tier."""
    query = """
        SELECT name || ' ' || coalesce(payload ->> 'outcome', payload ->> 'tier') FROM core.event
         WHERE name IN ('identity_check.completed', 'tier.changed') ORDER BY epoch, seq
    """
    with transaction() as session:
        return list(session.scalars(text(query)))
