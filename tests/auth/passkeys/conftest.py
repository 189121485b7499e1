"""Customers with passkeys, made as an app makes them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from auth import customers
from auth.passkeys import registering
from auth.passkeys.models import Passkey
from auth.proofs import Owner
from core.db import transaction
from tests.auth.authenticator import Authenticator

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def owner_of(phone: str, *, now: datetime = NOW) -> Owner:
    with transaction() as session:
        return Owner(customer_id=customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=now).id)


def asked(owner: Owner, *, now: datetime = NOW) -> tuple[UUID, dict[str, Any]]:
    with transaction() as session:
        return registering.options(session, owner, name="•••0142", now=now)


def added(owner: Owner, device: Authenticator, *, now: datetime = NOW, is_trusted: bool = True, **bent: Any) -> Passkey:
    ceremony_id, options = asked(owner, now=now)
    with transaction() as session:
        return registering.add(
            session,
            owner,
            ceremony_id,
            device.create(options, **bent),
            name="Ada's phone",
            is_trusted=is_trusted,
            now=now,
        )


@pytest.fixture
def ada(database: None) -> Owner:
    return owner_of("+12125550142")


@pytest.fixture
def bob(database: None) -> Owner:
    return owner_of("+12125550143")
