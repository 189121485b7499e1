"""Whatever is said in whatever order: what holds is what the plain rules say, and the records tell it."""

import itertools
from datetime import timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth.models import Customer
from core.db import transaction
from engage import consents
from engage.consents import Said, opt_outs, stopping, unsubscribing
from tests.engage.conftest import START, Scene
from tests.engage.consents.test_saying import history

_DEEDS = st.lists(st.sampled_from(("yes", "no", "stop", "start", "provider", "one_click")), max_size=8)


class Naive:
    """The rules, said plainly."""

    def __init__(self) -> None:
        self.allows: bool | None = None
        self.is_blocked = False
        self.stop_took = False

    def do(self, deed: str) -> None:
        if deed == "start":
            self.is_blocked = False
            if self.stop_took:
                self.allows, self.stop_took = True, False
            return
        if deed == "stop":
            self.is_blocked = True
        if deed == "yes" and not self.allows:
            self.allows, self.stop_took = True, False
        if deed != "yes" and self.allows is not False:
            # Only what takes a yes away by STOP is given back by START; said twice it is said once.
            self.stop_took = deed in ("stop", "provider") and self.allows is True
            self.allows = False


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=_DEEDS)
def test_what_holds_is_what_the_rules_say(scene: Scene, deeds: list[str]) -> None:
    customer_id, naive = scene.customer(consent=[]), Naive()

    for number, deed in enumerate(deeds):
        do(customer_id, deed, number)
        naive.do(deed)

        with transaction() as session:
            said = consents.of_many(session, [customer_id]).said.get((customer_id, "sms", "marketing"))
            index = session.get_one(Customer, customer_id).phone_index
            assert index
            is_blocked = (index, "sms") in opt_outs.of_many(session, [index])
        assert (said, is_blocked) == (naive.allows, naive.is_blocked), (deeds, deed)
    recorded = [record.is_granted for record in history(customer_id)]
    assert recorded[-1:] == ([] if naive.allows is None else [naive.allows])
    assert all(one is not other for one, other in itertools.pairwise(recorded))  # each was news


def do(customer_id: UUID, deed: str, number: int) -> None:
    now = START + timedelta(minutes=number)
    with transaction() as session:
        index = session.get_one(Customer, customer_id).phone_index
        assert index
        if deed in ("yes", "no"):
            consents.put(session, Said(customer_id, "sms", "marketing", deed == "yes"), source="app", now=now)
        elif deed == "one_click":
            unsubscribing.stop(session, customer_id, "sms", now=now)
        elif deed == "start":
            stopping.start(session, index, customer_id, "sms", now=now)
        else:
            stopping.stop(session, index if deed == "stop" else None, customer_id, "sms", source=deed, now=now)
