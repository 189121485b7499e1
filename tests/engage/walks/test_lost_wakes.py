"""A walk that changes what it waits for while its event is being read does not sleep through the event."""

import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg

from core.db import engine
from core.errors import Busy
from tests.core.locks import until_somebody_waits
from tests.engage.conftest import Scene, drawn, enrolments, runs, say, wait

ORDER = "order.completed"


def test_the_next_wait_hears_of_what_was_read_while_the_one_before_timed_out(scene: Scene) -> None:
    """The worker that ends the delay is held up in its transaction; the reader meets it at the walk's lock."""
    customer_id = scene.customer()
    steps = {"rest": wait(86_400, on_timeout="ask"),
             "ask": wait(86_400, for_event=ORDER, on_event="thanks"), "thanks": say("Thanks")}  # fmt: skip
    scene.publish(drawn("rest", steps))
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(days=1, seconds=5)
    scene.happen(scene.order(customer_id, occurred_at=scene.now - timedelta(seconds=3)))

    url = engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as holder:
        holder.execute("SELECT FROM engage.step_run FOR UPDATE")
        worker = threading.Thread(target=insist, args=[scene.work])
        worker.start()
        until_somebody_waits()
        reader = threading.Thread(target=insist, args=[scene.read])
        reader.start()
        until_somebody_waits(2)
    worker.join()
    reader.join()
    scene.read()

    assert runs() == [("rest", "timeout"), ("ask", "event"), ("thanks", "sent")]
    assert enrolments()[0].state == "ended"


def insist(work: Callable[[], None]) -> None:
    """As a worker does: what waited too long for a lock, on a machine that is too busy, is tried again."""
    while True:
        try:
            return work()
        except Busy:
            continue
