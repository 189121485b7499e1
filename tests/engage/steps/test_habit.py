"""A message at the customer's habit waits for the hour at which they look, as the log tells it."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from core.db import transaction
from core.delivery.models import Message
from tests.engage.conftest import Scene, journey, say


def test_who_looks_in_the_evening_is_written_to_in_the_evening(scene: Scene) -> None:
    scene.now = datetime(2026, 11, 21, 15, tzinfo=UTC)
    evening, unknown = scene.customers(2)
    with transaction() as session:
        session.connection().exec_driver_sql(
            f"INSERT INTO insights.habit (customer_id, hour, count) VALUES ('{evening}', 23, 9)"
        )
    scene.publish(journey("say", {"say": say("Hi", at="habit")}))
    scene.happen(scene.order(evening), scene.order(unknown))
    scene.read()

    with transaction() as session:
        due = {row.customer_id: row.due_at for row in session.scalars(select(Message))}
    # 23:00 UTC is six in the evening in New York.
    assert due == {evening: scene.now + timedelta(hours=8), unknown: scene.now}
