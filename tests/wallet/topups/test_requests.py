"""Top-ups: charged once, posted once, and finished after a crash."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from uuid import UUID

import pytest
from flask import Flask
from psycopg import Connection

from core import clock, ids
from core.db import transaction
from core.errors import NotFound, Refusal
from core.gateways.outcomes import Unknown
from core.gateways.payments import Charged, ChargeOutcome, Declined
from core.gateways.sandbox_payments import SandboxPayments
from core.gateways.unconfigured import UnconfiguredPayments
from core.idempotency import InFlight, KeyReused
from tests.wallet.conftest import NOW, balance, close_account, count, open_cash
from tests.wallet.topups.conftest import Shop
from wallet import accounts, limits, topups
from wallet.errors import AccountClosed, CurrencyUnknown, LimitExceeded, TopupDeclined
from wallet.topups import Taken, TopupRequest, outcomes
from wallet.topups.models import Topup
from wallet.topups.requests import LEASE

pytestmark = pytest.mark.usefixtures("database")


class Provider(SandboxPayments):
    """A payment provider in process, that remembers each reference as a real one does."""

    def __init__(self, answer: Callable[[str], ChargeOutcome] = lambda reference: Charged(f"ch_{reference}")) -> None:
        self.answer = answer
        self.charged: dict[str, int] = {}

    def charge(self, *, reference: str, amount_minor: int, **_: object) -> ChargeOutcome:  # type: ignore[override]
        outcome = self.answer(reference)
        if not isinstance(outcome, Declined):
            self.charged[reference] = amount_minor
        return outcome


def silent() -> Provider:
    return Provider(lambda _: Unknown("timeout"))


def request(customer_id: UUID, amount_minor: int = 2500, **more: object) -> TopupRequest:
    values = {
        "principal": f"customer:{customer_id}", "key": str(ids.new()), "fingerprint": b"same",
        "customer_id": customer_id, "amount_minor": amount_minor, "currency": "USD", "source": "sandbox_ok",
    }  # fmt: skip
    return TopupRequest(**{**values, **more})  # type: ignore[arg-type]


def cash(connection: Connection, customer_id: UUID) -> int:
    return balance(connection, accounts.of_customer(customer_id, "USD").id)


def kept(topup_id: UUID) -> Topup:
    with transaction() as session:
        return session.get_one(Topup, topup_id)


def test_charged_topup_is_on_the_account_at_once(connection: Connection) -> None:
    customer_id = ids.new()

    taken = topups.take(request(customer_id), gateway=SandboxPayments(), now=NOW)

    assert (taken.topup.state, taken.replayed) == ("succeeded", False)
    assert cash(connection, customer_id) == 2500
    assert balance(connection, accounts.of_provider("USD").id) == -2500
    assert count(connection, "core.event WHERE name = 'topup.completed'") == 1


def test_same_key_is_charged_once_and_answered_the_same(connection: Connection) -> None:
    customer_id, provider = ids.new(), Provider()
    asked = [request(customer_id, key="k") for _ in range(2)]

    taken = [topups.take(one, gateway=provider, now=NOW) for one in asked]

    assert [one.replayed for one in taken] == [False, True]
    assert taken[0].topup.id == taken[1].topup.id
    assert (cash(connection, customer_id), len(provider.charged)) == (2500, 1)
    with pytest.raises(KeyReused):
        topups.take(request(customer_id, key="k", fingerprint=b"other"), gateway=provider, now=NOW)


def test_declined_topup_moves_nothing_and_stays_declined(connection: Connection) -> None:
    customer_id = ids.new()

    for is_replayed in (False, True):
        with pytest.raises(TopupDeclined) as refused:
            topups.take(request(customer_id, key="k", source="sandbox_declined"), gateway=SandboxPayments(), now=NOW)
        assert (refused.value.facts, refused.value.is_replayed) == ({"reason": "card_declined"}, is_replayed)

    assert cash(connection, customer_id) == 0
    assert count(connection, "core.event WHERE name = 'topup.failed'") == 1


def test_only_the_wallets_currencies_are_taken() -> None:
    provider = Provider()

    with pytest.raises(CurrencyUnknown):
        topups.take(request(ids.new(), currency="EUR"), gateway=provider, now=NOW)

    assert provider.charged == {}


def test_unknown_answer_is_in_doubt_until_the_provider_tells(connection: Connection) -> None:
    customer_id, quiet = ids.new(), silent()

    taken = topups.take(request(customer_id), gateway=quiet, now=NOW)
    assert (taken.topup.state, taken.topup.last_error) == ("in_doubt", "timeout")
    assert topups.finish_due(quiet, NOW + timedelta(seconds=14)) == 0
    assert topups.finish_due(quiet, NOW + timedelta(seconds=15)) == 1
    assert topups.finish_due(Provider(), NOW + timedelta(minutes=2)) == 1

    assert kept(taken.topup.id).state == "succeeded"
    assert cash(connection, customer_id) == 2500


def test_provider_is_not_asked_when_it_may_have_forgotten(connection: Connection) -> None:
    quiet, at = silent(), NOW
    taken = topups.take(request(ids.new()), gateway=quiet, now=at)

    while (due_at := kept(taken.topup.id).due_at) is not None:
        at = due_at
        assert topups.finish_due(quiet, at) == 1

    assert NOW + timedelta(hours=18) < at <= NOW + outcomes.ASK_AGAIN_FOR
    assert kept(taken.topup.id).state == "in_doubt"


def test_provider_is_not_asked_after_an_outage_in_which_it_may_have_forgotten(connection: Connection) -> None:
    customer_id, provider = ids.new(), Provider()

    class Dies(Provider):
        def charge(self, **asked: object) -> ChargeOutcome:
            raise SystemExit

    asked = request(customer_id)
    with pytest.raises(SystemExit):
        topups.take(asked, gateway=Dies(), now=NOW)
    assert topups.finish_due(provider, NOW + outcomes.ASK_AGAIN_FOR) == 1

    left = kept(asked.id)
    assert (left.state, left.due_at, provider.charged) == ("in_doubt", None, {})
    assert left.last_error == "the provider may have forgotten it"
    assert cash(connection, customer_id) == 0


def test_command_lists_the_topups_that_nobody_asks_about_any_more(app: Flask) -> None:
    quiet, asked, old = silent(), request(ids.new()), request(ids.new())
    topups.take(asked, gateway=quiet, now=NOW)
    topups.take(old, gateway=quiet, now=NOW - outcomes.ASK_AGAIN_FOR)
    assert topups.finish_due(quiet, NOW) == 1

    told = app.test_cli_runner().invoke(args=["wallet", "in-doubt"])

    assert told.exit_code == 0
    assert told.output == (
        f"{old.id} 2026-11-20T16:00:00+00:00 2500 USD {old.principal}: the provider may have forgotten it\n"
    )


@pytest.mark.parametrize("has_charged", [False, True])
def test_crash_around_the_charge_is_finished_with_one_charge(connection: Connection, has_charged: bool) -> None:
    customer_id, provider = ids.new(), Provider()

    class Dies(Provider):
        def charge(self, **asked: object) -> ChargeOutcome:
            if has_charged:
                provider.charge(**asked)  # type: ignore[arg-type]
            raise SystemExit

    with pytest.raises(SystemExit):
        topups.take(request(customer_id, key="k"), gateway=Dies(), now=NOW)
    with pytest.raises(InFlight):
        topups.take(request(customer_id, key="k"), gateway=provider, now=NOW)
    assert topups.finish_due(provider, NOW + LEASE - timedelta(seconds=1)) == 0
    assert topups.finish_due(provider, NOW + LEASE) == 1

    assert topups.take(request(customer_id, key="k"), gateway=provider, now=NOW).topup.state == "succeeded"
    assert (cash(connection, customer_id), len(provider.charged)) == (2500, 1)


def test_outcome_that_comes_after_the_lease_is_not_posted_twice(connection: Connection) -> None:
    customer_id, provider = ids.new(), Provider()

    class Slow(Provider):
        def charge(self, **asked: object) -> ChargeOutcome:
            assert topups.finish_due(provider, NOW + LEASE) == 1
            return provider.charge(**asked)  # type: ignore[arg-type]

    taken = topups.take(request(customer_id), gateway=Slow(), now=NOW)

    assert taken.topup.state == "succeeded"
    assert (cash(connection, customer_id), len(provider.charged)) == (2500, 1)


def test_worker_that_lost_its_lease_asks_no_further(connection: Connection) -> None:
    customers, other = [ids.new(), ids.new()], Provider()
    answers = [topups.take(request(one), gateway=silent(), now=NOW) for one in customers]
    due_at = NOW + timedelta(seconds=15)

    class Slow(Provider):
        def charge(self, **asked: object) -> ChargeOutcome:
            if not self.charged:
                assert topups.finish_due(other, due_at + LEASE) == 2
            return super().charge(**asked)  # type: ignore[arg-type]

    slow = Slow()
    assert topups.finish_due(slow, due_at) == 2

    assert set(other.charged) == {str(answer.topup.id) for answer in answers}
    assert len(slow.charged) == 1
    assert [cash(connection, one) for one in customers] == [2500, 2500]


def test_each_answer_is_recorded_before_the_next_is_asked(connection: Connection) -> None:
    customers = [ids.new(), ids.new()]
    for one in customers:
        topups.take(request(one), gateway=silent(), now=NOW)

    class DiesSecond(Provider):
        def charge(self, **asked: object) -> ChargeOutcome:
            if self.charged:
                raise SystemExit
            return super().charge(**asked)  # type: ignore[arg-type]

    with pytest.raises(SystemExit):
        topups.finish_due(DiesSecond(), NOW + timedelta(seconds=15))

    assert sorted(cash(connection, one) for one in customers) == [0, 2500]


def test_twins_charge_once_and_the_later_one_is_told_to_wait(connection: Connection) -> None:
    customer_id, begun, go_on = ids.new(), Event(), Event()

    def slow(reference: str) -> ChargeOutcome:
        begun.set()
        assert go_on.wait(5)
        return Charged(f"ch_{reference}")

    provider = Provider(slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(topups.take, request(customer_id, key="k"), gateway=provider, now=NOW)
        assert begun.wait(5)
        with pytest.raises(InFlight):
            topups.take(request(customer_id, key="k"), gateway=provider, now=NOW)
        go_on.set()
        assert first.result().topup.state == "succeeded"

    assert (cash(connection, customer_id), len(provider.charged)) == (2500, 1)


def test_many_are_taken_at_once_each_with_its_own_answer(connection: Connection) -> None:
    customers = [ids.new() for _ in range(30)]
    asked = [request(one, source="sandbox_declined" if n == 7 else "sandbox_ok") for n, one in enumerate(customers)]

    answers = topups.take_all(asked, gateway=SandboxPayments(), now=NOW)

    assert isinstance(answers[7], TopupDeclined)
    assert all(isinstance(answer, Taken) for n, answer in enumerate(answers) if n != 7)
    assert [cash(connection, one) for one in customers] == [0 if n == 7 else 2500 for n in range(30)]


def test_closed_account_is_charged_for_nothing_and_stays_refused(connection: Connection) -> None:
    customer_id, other, provider = ids.new(), ids.new(), Provider()
    close_account(connection, open_cash(connection, customer_id=customer_id))
    asked = [request(customer_id, key="k"), request(other)]

    answers = topups.take_all(asked, gateway=provider, now=NOW)

    assert isinstance(answers[0], AccountClosed)
    assert isinstance(answers[1], Taken)
    assert list(provider.charged) == [str(asked[1].id)]
    with pytest.raises(AccountClosed):
        topups.take(request(customer_id, key="k"), gateway=provider, now=NOW)
    with pytest.raises(KeyReused):
        topups.take(request(customer_id, key="k", fingerprint=b"other"), gateway=provider, now=NOW)


def test_charge_that_the_ledger_cannot_take_is_kept_for_an_operator(connection: Connection) -> None:
    customer_id, other = ids.new(), ids.new()

    class Closes(Provider):
        def charge(self, **asked: object) -> ChargeOutcome:
            close_account(connection, accounts.of_customer(customer_id, "USD").id)
            return super().charge(**asked)  # type: ignore[arg-type]

    answers = topups.take_all([request(customer_id), request(other)], gateway=Closes(), now=NOW)

    assert not any(isinstance(answer, Refusal) for answer in answers)
    assert [answer.topup.state for answer in answers if isinstance(answer, Taken)] == ["in_doubt", "succeeded"]
    left = kept(answers[0].topup.id)  # type: ignore[union-attr]
    assert (left.last_error, left.provider_reference) == ("account_closed", f"ch_{left.id}")
    assert cash(connection, other) == 2500


def test_topup_is_nobody_elses() -> None:
    taken = topups.take(request(ids.new()), gateway=SandboxPayments(), now=NOW)

    with transaction() as session, pytest.raises(NotFound):
        topups.find(session, taken.topup.id, customer_id=ids.new())


def test_refused_key_says_nothing_of_a_charge_that_was_asked_before(shop: Shop) -> None:
    ana, now = shop.customer(), clock.now()
    shop.provider.will("drop")
    assert shop.top_up(ana, 2500).json["state"] == "in_doubt"  # type: ignore[index]

    assert topups.finish_due(UnconfiguredPayments(), now + timedelta(minutes=1)) == 1
    assert count(shop.connection, "wallet.topup WHERE state = 'in_doubt' AND due_at IS NOT NULL") == 1
    assert topups.finish_due(shop.gateway, now + timedelta(minutes=5)) == 1

    assert shop.standing(ana) == (2500, 0)


def test_first_refusal_of_a_key_is_a_decline(shop: Shop) -> None:
    shop.app.extensions["gateways"] = replace(shop.app.extensions["gateways"], payments=UnconfiguredPayments())

    answer = shop.top_up(shop.customer())

    assert (answer.status_code, answer.json["reason"]) == (422, "provider_not_configured")  # type: ignore[index]


def test_wallet_is_not_closed_while_a_topup_may_still_be_charged(shop: Shop) -> None:
    ana = shop.customer()
    topup_id = ana.ask("POST", "/topups/intents", {"amount": {"amount_minor": 500, "currency": "USD"}}).json["topup"][
        "id"
    ]

    refused = ana.ask("POST", "/wallet/closure", {})
    assert (refused.status_code, refused.json["code"], refused.json["topup_id"]) == (409, "topup_under_way", topup_id)
    [intent] = shop.provider.intents
    shop.hear(shop.provider.event("payment_intent.canceled", shop.provider.intents[intent] | {"status": "canceled"}))

    assert ana.ask("POST", "/wallet/closure", {}).status_code == 201


def test_what_is_on_its_way_counts_towards_the_ceiling(connection: Connection) -> None:
    customer_id = ids.new()
    open_cash(connection, 900, customer_id=customer_id)
    with transaction() as session:
        limits.set_rule(session, tier="basic", scope="load", asset="USD", measures={"ceiling": 1000}, now=NOW)
    topups.take(request(customer_id, 60), gateway=silent(), now=NOW)

    with pytest.raises(LimitExceeded) as refused:
        topups.take(request(customer_id, 41), gateway=silent(), now=NOW)
    topups.take(request(customer_id, 40), gateway=silent(), now=NOW)

    assert (refused.value.facts["limit"], refused.value.facts["left"]) == ("ceiling", 40)
    assert cash(connection, customer_id) == 900
