"""What the tests of effects share: a journey that is tried, and people of its arms with what they spent."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from connect.events import AppInstalled
from core import ids
from core.db import transaction
from engage.results import effects, plans, telling
from engage.results.models import Outcome
from tests.engage.conftest import Scene, gift, journey

WINDOW = timedelta(days=30)
LONG_AGO = WINDOW + timedelta(hours=1)

TRIAL = UUID(int=1)


def put_people(
    journey_id: UUID, scene: Scene, *, arm: str, number: int, minor: Sequence[int], age: timedelta, variant: str = ""
) -> None:
    """So many customers of an arm who entered so long ago, with what they spent, one after the other."""
    entered_at = scene.now - age
    with transaction() as session:
        session.add_all(
            Outcome(
                scope="journey", scope_id=journey_id, customer_id=ids.new(), arm=arm, variant=variant,
                trial=TRIAL if variant else None,
                entered_at=entered_at, ripe_at=entered_at + WINDOW, orders=1, revenue_minor=minor[place % len(minor)],
                refunded_minor=0, redeemed_minor=100 if arm == "treated" else 0, is_converted=False,
            )
            for place in range(number)
        )  # fmt: skip


def told_of(scene: Scene, journey_id: UUID) -> dict[str, Any]:
    with transaction() as session:
        return telling.effects(effects.of(session, "journey", journey_id, message_cost_minor=0, now=scene.now))


def tried(scene: Scene, held_bps: int = 1_000) -> UUID:
    """A journey with a holdout and a past to plan by: orders of 10.00 and 30.00."""
    for place, customer_id in enumerate(scene.customers(20)):
        amount, at = (1_000, 3_000)[place % 2], scene.now - timedelta(days=10)
        scene.happen(scene.order(customer_id, total_minor=amount, occurred_at=at))
    journey_id = scene.publish(journey("gift", {"gift": gift(scene.coupon())}), holdout_bps=held_bps)
    plans.fix_due(scene.now)
    return journey_id


def enter(scene: Scene) -> UUID:
    customer_id = scene.customer()
    scene.happen(installed(scene, customer_id))
    scene.read()
    return customer_id


def installed(scene: Scene, customer_id: UUID) -> AppInstalled:
    return AppInstalled(customer_id=customer_id, occurred_at=scene.now, content={})
