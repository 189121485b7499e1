"""What the tests of engage share: customers, campaigns, journeys, and a way to let the log be read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from flask_smorest import Blueprint
from sqlalchemy import select

from app import wiring
from auth import customers, devices
from auth.customers import SignUp
from core import ids
from core.db import connection_of, transaction
from core.delivery import messages
from core.delivery.models import Message
from core.events import Event, Reader, announce_all, readers
from core.settings import Settings
from core.web import doors, principals, problems, requests
from core.web.doors import Door
from core.web.principals import Principal
from engage import consents, journeys
from engage.consents import Said
from engage.consents import reactions as consents_reactions
from engage.walks import reactions as walks_reactions
from engage.walks.models import Enrolment, StepRun
from engage.walks.work import advance_due
from insights import reactions as insights_reactions
from rewards import campaigns
from rewards.events import OrderCompleted, VoucherRedeemed
from rewards.models import VoucherRow

#: In the order in which they are read: the walks' stays behind the one that counts.
READERS = [*consents_reactions.READERS, *insights_reactions.READERS, *walks_reactions.READERS]

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WEEK = 7 * 24 * 3600


@dataclass
class Scene:
    """A clock that is moved by hand, and short ways to make things happen on it."""

    now: datetime = START
    _phones: int = field(default=0)

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)

    def customer(self, *, consent: Sequence[str] = ("push", "sms"), tokens: Sequence[str] = ()) -> UUID:
        """A customer with these channels allowed for marketing, and a device for each push token."""
        [customer_id] = self.customers(1, consent=consent)
        with transaction() as session:
            for token in tokens:
                devices.put(
                    session,
                    customer_id=customer_id,
                    device_id=token,
                    platform="ios",
                    push_token=token,
                    app_version=None,
                    locale=None,
                    now=self.now,
                )
        return customer_id

    def customers(self, number: int, *, consent: Sequence[str] = ("push", "sms")) -> list[UUID]:
        phones = [f"+1212555{self._phones + index:04d}" for index in range(100, 100 + number)]
        self._phones += number
        with transaction() as session:
            rows = [SignUp(phone=phone, locale="en") for phone in phones]
            signed_up = customers.sign_up_all(session, rows, now=self.now)
            said = [Said(customer_id, channel, "marketing", True) for customer_id in signed_up for channel in consent]
            consents.put_all(session, said, source="test", now=self.now)
        return signed_up

    def coupon(self) -> UUID:
        return self._campaign("coupon", {"kind": "amount", "amount_minor": 500}, budget_minor=100_000)

    def gift_card(self, *, budget_minor: int) -> UUID:
        discount: dict[str, object] = {"kind": "value", "amount_minor": 1000}
        return self._campaign("gift_card", discount, budget_minor=budget_minor)

    def _campaign(self, kind: str, discount: dict[str, object], *, budget_minor: int) -> UUID:
        draft = campaigns.Draft(
            name="Come back", kind=kind, discount=discount, currency="USD", starts_at=self.now,
            ends_at=self.now + timedelta(days=365), limit_per_customer=None, budget_minor=budget_minor, starts_now=True,
        )  # fmt: skip
        with transaction() as session:
            return campaigns.create(session, draft, actor="staff:test", now=self.now)

    def publish(self, graph: dict[str, Any], *, holdout_bps: int = 0, journey_id: UUID | None = None) -> UUID:
        with transaction() as session:
            if journey_id is None:
                journey = journeys.create(
                    session, name="Thanks", holdout_bps=holdout_bps, actor="staff:test", now=self.now
                )
                journey_id = journey.id
            journeys.publish(session, journey_id=journey_id, raw_graph=graph, actor="staff:test", now=self.now)
        return journey_id

    def set_status(self, journey_id: UUID, status: str) -> None:
        with transaction() as session:
            journeys.set_status(session, journey_id=journey_id, status=status, actor="staff:test", now=self.now)

    def happen(self, *events: Event) -> list[UUID]:
        with transaction() as session:
            return announce_all(session, events)

    def order(self, customer_id: UUID, *, total_minor: int = 5000, **more: Any) -> OrderCompleted:
        facts: dict[str, Any] = {
            "occurred_at": self.now, "order_id": ids.new(), "checkout_id": ids.new(), "merchant_id": ids.new(),
            "store_id": ids.new(), "discount_minor": 0, "gift_minor": 0, "paid_minor": total_minor, "currency": "USD",
            "lines": [],
        }  # fmt: skip
        return OrderCompleted(customer_id=customer_id, total_minor=total_minor, **{**facts, **more})

    def redemption(self, customer_id: UUID, voucher_id: UUID, *, at: datetime | None = None) -> VoucherRedeemed:
        return VoucherRedeemed(
            customer_id=customer_id, occurred_at=at or self.now, redemption_id=ids.new(), voucher_id=voucher_id,
            campaign_id=ids.new(), merchant_id=ids.new(), store_id=ids.new(), terminal_id=ids.new(), checkout_id=None,
            amount_minor=500, currency="USD",
        )  # fmt: skip

    def read(self) -> None:
        """Let the readers take everything that is in the log, whatever other databases hold the horizon back."""
        self._read(READERS)

    def read_profiles(self) -> None:
        """Let the reader of customers take everything, which is what facts are made of."""
        self._read(insights_reactions.READERS)

    def _read(self, some: Sequence[Reader]) -> None:
        # In turn, since what the last one announces is for the first one again.
        while sum(readers.run_batch(reader, now=self.now) for reader in some) or any(map(self._is_behind, some)):
            pass

    def _is_behind(self, reader: Reader) -> bool:
        with transaction() as session:
            return any(behind for name, behind in readers.lag(connection_of(session)) if name == reader.name)

    def work(self) -> None:
        """Let due work run dry."""
        while advance_due(self.now):
            pass


@pytest.fixture
def scene(database: None) -> Scene:
    readers.register(READERS)
    return Scene()


Open = Callable[..., FlaskClient]


@pytest.fixture
def open_for(scene: Scene) -> Open:
    """Open engage's part of the doors to one principal."""

    def opened(principal: Principal | None = None) -> FlaskClient:
        client = _doors_of_engage().test_client()
        client.environ_base["tests.principal"] = principal
        return client

    return opened


@cache
def _doors_of_engage() -> Flask:
    """Built once a process, which takes a tenth of a second; a client says who is asking."""
    app = Flask("engage", static_folder=None)
    app.extensions["settings"] = Settings(environment="test")
    problems.register(app)
    requests.register(app)
    own = [replace(door, blueprints=_own(door), also_documents=[]) for door in wiring.doors() if _own(door)]
    guard = lambda: request.environ["tests.principal"] or principals.current()  # noqa: E731
    doors.open_doors(app, [replace(door, guard=guard) if door.guard else door for door in own])
    return app


def _own(door: Door) -> list[Blueprint]:
    return [blueprint for blueprint in door.blueprints if blueprint.name.startswith("engage")]


def enrolments() -> Sequence[Enrolment]:
    with transaction() as session:
        return session.scalars(select(Enrolment).order_by(Enrolment.id)).all()


def runs(customer_id: UUID | None = None) -> list[tuple[str, str]]:
    """(step, outcome) of every run, in the order in which they were made."""
    query = select(StepRun).order_by(StepRun.id)
    if customer_id is not None:
        query = query.where(StepRun.customer_id == customer_id)
    with transaction() as session:
        return [(run.step, run.outcome) for run in session.scalars(query)]


def reasons(step: str) -> list[str]:
    """The codes of the reasons that a step's one run gives."""
    with transaction() as session:
        run = session.scalars(select(StepRun).where(StepRun.step == step)).one()
        return [reason["code"] for reason in run.reasons]


def vouchers_of(customer_id: UUID) -> list[UUID]:
    with transaction() as session:
        return list(session.scalars(select(VoucherRow.id).where(VoucherRow.customer_id == customer_id)))


def sent() -> list[tuple[str, str, dict[str, Any]]]:
    """(channel, recipient, content) of every message that waits to be sent, in the order of their ids."""
    with transaction() as session:
        rows = session.scalars(select(Message).order_by(Message.id)).all()
        return [(row.channel, *messages.open_sealed(session, row)) for row in rows]


def gift(campaign_id: UUID, **more: Any) -> dict[str, Any]:
    return {"kind": "issue_voucher", "campaign_id": str(campaign_id), **more}


def say(body: str, *, channel: Any = "sms", **more: Any) -> dict[str, Any]:
    template = {"title": "For you", "body": body}
    return {"kind": "message", "channel": channel, "purpose": "marketing", "template": template, **more}


def journey(first: str, steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"trigger": {"event": "order.completed"}, "first": first, "steps": steps, **more}


def drawn(first: str, steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A journey that an order lets in."""
    return {"entry": {"event": "order.completed"}, "first": first, "steps": steps, **more}


def wait(seconds: int, **more: Any) -> dict[str, Any]:
    return {"kind": "wait", "timeout_seconds": seconds, **more}


def both_branches(campaign_id: UUID) -> dict[str, Any]:
    """The journey of the issue: a voucher, a message, a wait for its redemption, and two ways on."""
    return journey(
        "gift",
        {
            "gift": gift(campaign_id, next="tell"),
            "tell": say("Your code: {{ voucher.code }}", channel=["push", "sms"], next="wait"),
            "wait": {
                "kind": "wait",
                "for_event": "voucher.redeemed",
                "timeout_seconds": WEEK,
                "on_event": "thank",
                "on_timeout": "remind",
            },
            "thank": say("Thank you!"),
            "remind": say("Still yours: {{ voucher.code }} {{ voucher.link }}"),
        },
    )
