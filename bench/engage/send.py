"""Sending what waits, beside the bare SDK: pushes a second to the same stand-in by the same number of threads."""

import os
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from uuid import UUID

from firebase_admin import messaging

from bench import turns
from bench.database import fresh
from bench.engage import fcm
from bench.figures import Figure
from bench.turns import Done
from core import clock, crypto, ids
from core.db import transaction
from core.delivery import messages, sending
from core.delivery.gates import open_gate
from core.delivery.held import Line
from core.delivery.messages import NewMessage
from core.gateways import firebase_push, registry
from core.gateways.push import Push
from core.settings import Settings

#: Pushes a turn, each to a customer of their own, as a broadcast's are.
PUSHES = int(os.environ.get("BENCH_PUSHES") or 4_000)
_CONTENT = {"title": "Autumn thanks", "body": "Your coffee waits: show this at the till", "data": {"voucher_id": "1"}}


def measure() -> list[Figure]:
    with fresh() as settings, fcm.playing() as url:
        gateways = registry.build(Settings(environment="test", fcm_project_id="brand", fcm_api_url=url))
        line = Line(channel="push", gateways=gateways, gate=open_gate)
        bare = gateways.push._app  # type: ignore[attr-defined]
        paces = turns.in_turns(
            settings.database_url, {"ours": lambda: _ours(line), "theirs": lambda: _theirs(bare)}, warm_ups=1
        )
    ours, theirs = paces["ours"], paces["theirs"]
    more = {**ours.more, "bare_client_us": theirs.more["client_us"], "threads": sending.AT_ONCE}
    beside = f"firebase_admin.messaging.send by {sending.AT_ONCE} threads, same stand-in"
    return [Figure("engage.send", ours.rate, "1/s", beside, theirs.rate, more)]


def _ours(line: Line) -> Done:
    """They are written before the clock runs; taking up, opening, calling and recording are in it."""
    _enqueue()
    with ThreadPoolExecutor(sending.AT_ONCE) as threads:
        begun, sent = perf_counter(), 0
        while taken := sending.send_some(line, threads, now=clock.now()):
            sent += taken
        seconds = perf_counter() - begun
    assert sent == PUSHES
    return Done(sent, seconds)


def _theirs(app: object) -> Done:
    made = [Push(ids.new(), f"device-{number}", **_CONTENT) for number in range(PUSHES)]  # type: ignore[arg-type]
    with ThreadPoolExecutor(sending.AT_ONCE) as threads:
        begun = perf_counter()
        names = list(threads.map(lambda push: messaging.send(firebase_push._message(push), app=app), made))
        return Done(len(names), perf_counter() - begun)


def _enqueue() -> None:
    now = clock.now()
    for start in range(0, PUSHES, 500):
        customer_ids = ids.block(min(500, PUSHES - start))
        with transaction() as session:
            crypto.create_data_keys(session, customer_ids)
            messages.enqueue_all(session, [_new(each, now) for each in customer_ids], now=now)


def _new(customer_id: UUID, now: object) -> NewMessage:
    return NewMessage(
        customer_id=customer_id, channel="push", recipient=f"device-{customer_id}", content=_CONTENT,
        purpose="marketing", due_at=now, reference=customer_id,
    )  # type: ignore[arg-type]  # fmt: skip
