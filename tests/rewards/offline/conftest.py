"""Phones that show tokens, and tills that take them while nobody can be asked."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from auth import merchants
from core import clock, ids
from core.db import connection_of, transaction
from core.errors import Refusal
from core.settings import Settings
from rewards import checks
from rewards.baskets import Basket, Line
from rewards.offline import allowances, issuing, phone_keys, signing, syncing, tokens
from rewards.offline.issuing import Issued, Policy
from rewards.offline.records import Record, Synced
from rewards.offline.signing import Signer
from rewards.offline.syncing import Desk
from rewards.rollbacks import reversing
from rewards.rollbacks.reversing import Reversed
from tests.rewards.conftest import NOW, World, line
from wallet import accounts
from wallet.checks import first_difference
from wallet.paying.tills import Till

Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

HOUR = timedelta(hours=1)
SIGNER = signing.signer(Settings().offline_signing_keys)
POLICY = Policy(lives=24 * HOUR, gift_card_most_minor=5_000)
DESK = Desk(SIGNER, 72 * HOUR)


@dataclass
class Phone:
    """A customer's telephone with its key, as Secure Enclave or StrongBox keeps one."""

    world: World
    customer_id: UUID
    key: Private = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def sign(self, text: str) -> str:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            raw = self.key.sign(text.encode())
        else:
            raw = self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @property
    def pem(self) -> str:
        form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return self.key.public_key().public_bytes(*form).decode()

    @property
    def fingerprint(self) -> bytes:
        return phone_keys.of_pem(self.pem).fingerprint

    def register(self, *, now: datetime = NOW, **changes: Any) -> None:
        seconds = int(now.timestamp())
        text = phone_keys.text_to_prove(self.customer_id, seconds, self.fingerprint)
        given = {"public_key": self.pem, "signed_at": seconds, "proof": self.sign(text)} | changes
        with transaction() as session:
            phone_keys.register(session, customer_id=self.customer_id, **given, now=now)

    def fetch(
        self, voucher_id: UUID, *, now: datetime = NOW, policy: Policy = POLICY, signer: Signer = SIGNER
    ) -> Issued:
        with transaction() as session:
            return issuing.issue(
                session, customer_id=self.customer_id, voucher_id=voucher_id, signer=signer, policy=policy, now=now
            )

    def show(self, token: Issued | str, at: datetime = NOW, *, step: int | None = None) -> str:
        """What a till scans."""
        text = token if isinstance(token, str) else token.token
        step = tokens.step_at(at) if step is None else step
        return f"{text}~{step}~{self.sign(tokens.text_to_prove(text, step))}"


@dataclass
class OfflineTill:
    """A terminal that exists, and what it syncs."""

    till: Till

    def record(self, scanned: str, amount_minor: int = 500, *lines: Line, at: datetime = NOW, **changes: Any) -> Record:
        given = {
            "till": self.till,
            "till_reference": str(ids.new()),
            "scanned": scanned,
            "basket": Basket(lines or (line(),)),
            "currency": "USD",
            "amount_minor": amount_minor,
            "accepted_at": at,
        } | changes
        return Record(**given)

    def sync(self, *batch: Record, now: datetime = NOW + HOUR, desk: Desk = DESK) -> list[Synced | Refusal]:
        return syncing.sync_all(self.till, batch, desk=desk, now=now)

    def take(self, record: Record, *, now: datetime = NOW + HOUR, desk: Desk = DESK) -> Synced:
        [outcome] = self.sync(record, now=now, desk=desk)
        assert isinstance(outcome, Synced), outcome
        return outcome

    def allow(self, most_minor: int = 10_000, most_count: int = 10, *, now: datetime = NOW) -> None:
        with transaction() as session:
            allowances.put(
                session, terminal_id=self.till.terminal_id, currency="USD", most_minor=most_minor,
                most_count=most_count, actor="staff:test", now=now,
            )  # fmt: skip

    def reverse(self, till_reference: str, *, at: datetime = NOW + 2 * HOUR) -> Reversed:
        with transaction() as session:
            return reversing.reverse(session, self.till, till_reference, at=at)


def new_till(merchant_id: UUID | None = None, *, time_zone: str | None = None) -> OfflineTill:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    with transaction() as session:
        if merchant_id is None:
            merchant_id = merchants.add_merchant(session, name="Corner Shop", now=clock.now()).id
        store = merchants.add_store(
            session, merchant_id=merchant_id, name="Main Street", time_zone=time_zone, now=clock.now()
        )
        terminal = merchants.add_terminal(session, store_id=store.id, name="1", public_key=pem, now=clock.now())
        accounts.open_all(session, [accounts.of_merchant(merchant_id, "USD")])
    return OfflineTill(Till(merchant_id=merchant_id, store_id=store.id, terminal_id=terminal.id))


@pytest.fixture
def till(database: None) -> OfflineTill:
    """A till that the brand answers for: up to $100.00 and ten tokens a day."""
    made = new_till()
    made.allow()
    return made


@pytest.fixture
def other(till: OfflineTill) -> OfflineTill:
    """Another till of the same merchant, answered for as well."""
    made = new_till(till.till.merchant_id)
    made.allow()
    return made


@pytest.fixture
def shop(till: OfflineTill) -> World:
    return World(till.till)


@pytest.fixture
def phone(shop: World) -> Phone:
    made = Phone(shop, shop.customer())
    made.register()
    return made


@pytest.fixture(autouse=True)
def _books_stay_clean(database: None) -> Iterator[None]:
    """After every test the ledger adds up, and what rewards keep beside it agrees."""
    yield
    with transaction() as session:
        assert first_difference(connection_of(session)) is None
        assert checks.first_difference(connection_of(session)) is None


def losses(world: World) -> int:
    """What the brand has lost, in minor units."""
    return -world.balance("brand", "offline_losses")
