"""Stripe's webhooks: twice, late, out of order, forged, or before the answer to our own question."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from core import clock, ids
from core.gateways.payments import Notice
from tests.standins.stripe import Hook
from tests.wallet.conftest import count
from tests.wallet.topups.conftest import Shop, usd
from wallet import checks, topups
from wallet.topups import clawbacks, notices


def test_sheet_is_paid_when_stripe_says_so_and_however_often(shop: Shop) -> None:
    ana = shop.customer()
    prepared = ana.ask("POST", "/topups/intents", {"amount": usd(2500)}, "k").json
    [intent] = shop.provider.intents
    hook = shop.provider.pay(intent)

    answers = [shop.hear(hook) for _ in range(3)] + [shop.hear(shop.provider.pay(intent))]

    assert [(answer.status_code, answer.json) for answer in answers] == [(200, {"received": True})] * 4
    assert shop.standing(ana) == (2500, 0)
    assert ana.ask("GET", f"/topups/{prepared['topup']['id']}").json["state"] == "succeeded"
    assert count(shop.connection, "wallet.provider_notice") == 2
    assert count(shop.connection, "core.event WHERE name = 'topup.completed'") == 1
    assert checks.first_difference(shop.connection) is None


def test_twin_deliveries_at_once_post_once(shop: Shop) -> None:
    ana = shop.customer()
    ana.ask("POST", "/topups/intents", {"amount": usd(2500)})
    [intent] = shop.provider.intents
    hooks = [shop.provider.pay(intent)] * 4 + [shop.provider.pay(intent) for _ in range(4)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(shop.hear, hooks))

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert shop.standing(ana) == (2500, 0)


def test_notice_due_work_and_staff_at_once_post_once(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.settle")
    for number in range(1, 4):
        shop.provider.will("drop")
        topup_id = shop.top_up(ana, 100).json["id"]  # type: ignore[index]
        intent = list(shop.provider.intents)[-1]
        hook, later = shop.provider.pay(intent), clock.now() + timedelta(seconds=30)
        body = {"charged": True, "provider_reference": intent}

        with ThreadPoolExecutor(3) as pool:
            heard = pool.submit(shop.hear, hook)
            worked = pool.submit(topups.finish_due, shop.gateway, later)
            settled = pool.submit(staff.ask, "PUT", f"/topups/{topup_id}/settlement", body)
            statuses = {heard.result().status_code, settled.result().status_code}
            worked.result()

        assert statuses <= {200, 409, 503}
        assert shop.standing(ana) == (100 * number, 0)
    assert checks.first_difference(shop.connection) is None


def test_forged_or_stale_notice_changes_nothing(shop: Shop) -> None:
    ana = shop.customer()
    ana.ask("POST", "/topups/intents", {"amount": usd(2500)})
    [intent] = shop.provider.intents.values()
    shop.provider.pay(intent["id"])
    now = int(clock.now().timestamp())
    forged = shop.provider.event("payment_intent.succeeded", intent, secret="whsec_guess")
    stale = shop.provider.event("payment_intent.succeeded", intent, at=now - 400)
    tampered = Hook(forged.body, shop.provider.event("payment_intent.succeeded", intent).headers)

    answers = [shop.hear(hook) for hook in (forged, stale, tampered, Hook(forged.body, {}), Hook(b"\xff", {}))]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(400, "notice_forged")] * 5  # type: ignore[index]
    assert shop.standing(ana) == (0, 0)
    assert count(shop.connection, "wallet.provider_notice") == 0


def test_unknown_events_are_taken_and_ignored(shop: Shop) -> None:
    other = {"id": "pi_x", "amount_received": 5, "currency": "usd", "metadata": {}}
    hooks = [
        shop.provider.event("customer.created", {"id": "cus_1"}),
        shop.provider.event("payment_intent.succeeded", other | {"metadata": {"topup_id": str(ids.new())}}),
        shop.provider.event("payment_intent.succeeded", other | {"metadata": {"topup_id": "not ours"}}),
        shop.provider.event("payment_intent.succeeded", {"id": "pi_of_another_shape"}),
    ]

    assert [shop.hear(hook).status_code for hook in hooks] == [200] * 4
    assert count(shop.connection, "wallet.provider_notice WHERE state = 'ignored'") == 2


def test_notice_before_our_own_answer_posts_once(shop: Shop) -> None:
    ana, heard = shop.customer(), []
    ask = shop.gateway.charge

    def slow(**asked: object) -> object:
        outcome = ask(**asked)
        heard.append(shop.hear(shop.provider.pay(outcome.provider_reference)).status_code)
        return outcome

    shop.gateway.charge = slow
    answer = shop.top_up(ana)

    assert (heard, answer.json["state"]) == ([200], "succeeded")  # type: ignore[index]
    assert shop.standing(ana) == (2500, 0)


def test_notice_settles_what_is_in_doubt_and_the_work_finds_nothing_more(shop: Shop) -> None:
    ana = shop.customer()
    shop.provider.will("drop")
    answer = shop.top_up(ana)
    assert answer.json["state"] == "in_doubt"  # type: ignore[index]
    [intent] = shop.provider.intents

    shop.hear(shop.provider.pay(intent))

    assert shop.standing(ana) == (2500, 0)
    assert topups.finish_due(shop.gateway, clock.now() + timedelta(hours=1)) == 0


def test_declined_card_on_a_sheet_may_be_followed_by_a_better_one(shop: Shop) -> None:
    ana = shop.customer()
    prepared = ana.ask("POST", "/topups/intents", {"amount": usd(2500)}).json["topup"]
    [intent] = shop.provider.intents

    shop.hear(shop.provider.fail(intent, "card_declined"))
    after_decline = ana.ask("GET", f"/topups/{prepared['id']}").json
    shop.hear(shop.provider.pay(intent))

    assert (after_decline["state"], after_decline["decline_code"]) == ("requires_action", "card_declined")
    assert ana.ask("GET", f"/topups/{prepared['id']}").json["state"] == "succeeded"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_failed_and_succeeded_in_any_order_end_charged(shop: Shop, order: tuple[int, int]) -> None:
    ana = shop.customer()
    topup_id = shop.top_up(ana, source="pm_card_authenticationRequired").json["id"]  # type: ignore[index]
    [intent] = shop.provider.intents
    hooks = [shop.provider.fail(intent, "payment_intent_authentication_failure"), shop.provider.pay(intent)]

    for place in order:
        assert shop.hear(hooks[place]).status_code == 200

    assert shop.topup(topup_id)["state"] == "succeeded"
    assert shop.standing(ana) == (2500, 0)
    assert checks.first_difference(shop.connection) is None


def test_failed_authentication_fails_the_topup(shop: Shop) -> None:
    ana = shop.customer()
    topup_id = shop.top_up(ana, source="pm_card_authenticationRequired").json["id"]  # type: ignore[index]
    [intent] = shop.provider.intents

    shop.hear(shop.provider.fail(intent, "payment_intent_authentication_failure"))

    shown = ana.ask("GET", f"/topups/{topup_id}").json
    assert (shown["state"], shown["decline_code"]) == ("failed", "payment_intent_authentication_failure")
    assert count(shop.connection, "core.event WHERE name = 'topup.failed'") == 1


def test_called_off_charge_fails(shop: Shop) -> None:
    ana = shop.customer()
    prepared = ana.ask("POST", "/topups/intents", {"amount": usd(2500)}).json["topup"]
    [intent] = shop.provider.intents.values()

    shop.hear(shop.provider.event("payment_intent.canceled", intent | {"status": "canceled"}))

    assert shop.topup(prepared["id"])["state"] == "failed"


def test_notice_names_a_charge_that_waits_for_the_customer(shop: Shop) -> None:
    ana = shop.customer()
    shop.provider.will("drop")
    lost = shop.top_up(ana, source="pm_card_authenticationRequired", key="k").json
    [intent] = shop.provider.intents.values()

    shop.hear(shop.provider.event("payment_intent.requires_action", intent))
    again = shop.top_up(ana, source="pm_card_authenticationRequired", key="k").json

    assert lost and again
    assert (lost["state"], lost["action"]) == ("in_doubt", None)
    assert (again["state"], again["action"]["client_secret"]) == ("requires_action", intent["client_secret"])


def test_other_amount_than_was_asked_is_for_an_operator(shop: Shop) -> None:
    ana = shop.customer()
    prepared = ana.ask("POST", "/topups/intents", {"amount": usd(2500)}).json["topup"]
    [intent] = shop.provider.intents.values()

    shop.hear(shop.provider.event("payment_intent.succeeded", intent | {"amount_received": 100}))

    assert (shop.topup(prepared["id"])["state"], shop.topup(prepared["id"])["last_error"]) == (
        "in_doubt",
        "charged 100 USD",
    )
    assert shop.standing(ana) == (0, 0)


def test_refund_told_before_the_charge_is_taken_after_it(shop: Shop) -> None:
    ana = shop.customer()
    prepared = ana.ask("POST", "/topups/intents", {"amount": usd(2500)}).json["topup"]
    [intent] = shop.provider.intents
    paid, back = shop.provider.pay(intent), shop.provider.give_back(intent, 1000)

    shop.hear(back)
    assert shop.standing(ana) == (0, 0)
    shop.hear(paid)

    assert shop.standing(ana) == (1500, 0)
    assert shop.topup(prepared["id"])["refunded_minor"] == 1000
    assert shop.held_by_provider() == 1500


def test_dispute_told_before_we_know_the_charge_waits_for_it(shop: Shop) -> None:
    ana = shop.customer()
    shop.provider.will("drop")
    shop.top_up(ana)
    [intent] = shop.provider.intents

    shop.hear(shop.provider.dispute(intent, 2500, "needs_response"))
    assert notices.take_waiting(clock.now()) == 0
    shop.hear(shop.provider.pay(intent))
    assert shop.standing(ana) == (2500, 0)
    assert notices.take_waiting(clock.now() + timedelta(minutes=2)) == 1

    assert shop.standing(ana) == (0, 0)


def test_dispute_of_a_charge_that_is_not_ours_is_given_up(shop: Shop) -> None:
    shop.topped_up(shop.customer())
    shop.provider.intents["pi_else"] = {"currency": "usd"}
    shop.hear(shop.provider.dispute("pi_else", 100, "needs_response"))
    now = clock.now()

    assert notices.take_waiting(now + timedelta(minutes=2)) == 1
    assert notices.take_waiting(now + timedelta(days=1)) == 1

    assert count(shop.connection, "wallet.provider_notice WHERE state = 'ignored' AND due_at IS NULL") == 1


def test_nameless_charge_is_none_of_ours(shop: Shop) -> None:
    """Stripe's charges without a payment intent, made in its dashboard or by another system, tell null for it."""
    ana = shop.customer()
    shop.provider.will("drop")
    shop.top_up(ana)
    [intent] = shop.provider.intents
    told = {"id": "ch_1", "payment_intent": None, "currency": "usd", "amount": 2500, "amount_refunded": 2500}
    hooks = [
        shop.provider.event("charge.refunded", told),
        shop.provider.event("refund.failed", told | {"id": "re_1", "metadata": {"refund_id": 7}}),
        shop.provider.event("charge.dispute.created", told | {"id": "dp_1", "status": "needs_response"}),
        shop.provider.event("payment_intent.succeeded", told | {"amount_received": 5, "metadata": {"topup_id": 7}}),
    ]

    assert [shop.hear(hook).status_code for hook in hooks] == [200] * 4
    assert count(shop.connection, "wallet.provider_notice") == 0
    shop.hear(shop.provider.pay(intent))

    assert shop.standing(ana) == (2500, 0)


def test_crash_between_notice_and_claw_back_is_finished_by_due_work(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = shop.customer()
    topup_id, intent = shop.topped_up(ana)
    told = Notice("evt_x", "refunded", topup_id, intent, 700, "USD")

    def dies(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(clawbacks, "bring_into_line", dies)
        with pytest.raises(SystemExit):
            notices.take(told, provider="stripe", now=clock.now())
    assert shop.standing(ana) == (2500, 0)

    assert [clawbacks.bring_due_into_line(clock.now()) for _ in range(2)] == [1, 0]
    assert shop.standing(ana) == (1800, 0)


def test_nothing_of_the_person_is_kept(shop: Shop) -> None:
    _, intent = shop.topped_up(shop.customer())
    shop.hear(shop.provider.give_back(intent, 100))
    shop.hear(shop.provider.dispute(intent, 100, "needs_response"))

    rows = shop.connection.execute("SELECT n::text FROM wallet.provider_notice n").fetchall()
    assert len(rows) == 2
    assert not any("ana" in row[0].lower() for row in rows)
