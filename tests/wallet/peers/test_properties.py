"""Whatever people do with sendings in whatever order: no money is lost, doubled, or held for nothing."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import or_, select

from core.db import transaction
from core.errors import Refusal
from tests.wallet.peers.conftest import NOW, cash, check_books, customer, do, send, sending_now, set_limits, settle
from wallet import holds, standing
from wallet.peers import claims, links, sendings
from wallet.peers.models import Sending

#: Two customers with money, and two numbers that may sign up.
PLACES = st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 1), PLACES, st.integers(1, 4_000)),
        st.tuples(st.just("link"), st.integers(0, 1), st.just(0), st.integers(1, 4_000)),
        st.tuples(st.sampled_from(["cancel", "claim"]), PLACES, st.integers(0, 9), st.just(0)),
        st.tuples(st.just("sign up"), st.integers(2, 3), st.just(0), st.just(0)),
        st.tuples(st.sampled_from(["freeze", "unfreeze", "settle"]), st.integers(0, 1), st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 100), st.just(0), st.just(0)),
    ),
    min_size=3,
    max_size=12,
)
_numbers = count(1000)


class World:
    def __init__(self) -> None:
        self.now: datetime = NOW
        self.phones = [f"+1212556{next(_numbers)}" for _ in range(4)]
        self.people: dict[int, UUID] = {place: customer(self.phones[place], 10_000) for place in (0, 1)}
        self.made: list[Sending] = []

    def take(self, step: str, who: int, other: int, amount_minor: int) -> None:
        """Do one thing, which may well be refused."""
        if step == "send":
            self.made.append(send(self.people[who], self.phones[other], amount_minor, now=self.now))
        elif step == "link":
            self.made.append(send(self.people[who], None, amount_minor, now=self.now))
        elif step == "cancel" and other < len(self.made) and who in self.people:
            do(sendings.cancel, self.made[other].id, sender_id=self.people[who], now=self.now)
        elif step == "claim" and other < len(self.made) and who in self.people:
            code = links.code_of(self.made[other].id)
            do(claims.by_code, code=code, receiver_id=self.people[who], now=self.now)
        elif step == "sign up":
            self.people[who] = customer(self.phones[who], now=self.now)
        elif step in ("freeze", "unfreeze"):
            do(getattr(standing, step), f"customer:{self.people[who]}")
        elif step == "wait":
            self.now += timedelta(hours=2 * who)
            do(holds.expire_due, now=self.now)
        elif step == "settle":
            settle(now=self.now)

    def check(self) -> None:
        waiting: Counter[UUID] = Counter()
        due: Counter[UUID] = Counter({self.people[0]: 10_000, self.people[1]: 10_000})
        for made in self.made:
            sending = sending_now(made.id)
            if sending.state == "pending":
                waiting[sending.sender_id] += sending.amount_minor
            elif sending.state == "completed":
                assert sending.receiver_id is not None
                due[sending.sender_id] -= sending.amount_minor
                due[sending.receiver_id] += sending.amount_minor
            assert (sending.phone_index is not None) <= (sending.state == "pending")

        assert {who: cash(who) for who in self.people.values()} == {
            who: (due[who], waiting[who]) for who in self.people.values()
        }


@pytest.mark.usefixtures("ledgers")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, ceiling=st.sampled_from([None, 10_500]))
def test_what_people_have_is_what_was_sent_and_not_returned(
    steps: list[tuple[str, int, int, int]], ceiling: int | None
) -> None:
    set_limits("load", {"ceiling": ceiling})
    world = World()

    for step in steps:
        try:
            world.take(*step)
        except Refusal as refusal:
            assert not refusal.retryable, refusal

    # Holds that have expired wait for their reader.
    settle(now=world.now)
    world.check()
    check_books()
    with transaction() as session:
        bound = or_(Sending.due_at.is_(None), Sending.due_at > world.now)
        assert session.scalars(select(Sending).where(~bound, Sending.state == "pending")).all() == []
