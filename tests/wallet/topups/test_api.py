"""Top-ups over HTTP, through Stripe's SDK and its stand-in."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import clock, ids
from core.db import transaction
from core.settings import Settings
from tests.wallet.conftest import balance, count
from tests.wallet.topups.conftest import Shop, usd
from wallet import accounts, assets, limits, topups
from wallet.topups.asking import ABANDONED_AFTER


def test_card_is_charged_and_the_money_is_there(shop: Shop) -> None:
    ana = shop.customer()

    answers = [shop.top_up(ana, 2500, key="k") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert answers[0].json["state"] == "succeeded"  # type: ignore[index]
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert (shop.standing(ana), len(shop.provider.intents)) == ((2500, 0), 1)


def test_declined_card_is_told_with_the_providers_reason(shop: Shop) -> None:
    ana = shop.customer()
    reasons = {
        "pm_card_chargeDeclined": "generic_decline",
        "pm_card_expired": "expired_card",
        "nonsense": "resource_missing",
    }

    for source, reason in reasons.items():
        answers = [shop.top_up(ana, source=source, key=source) for _ in range(2)]
        told = [(answer.status_code, answer.json["code"], answer.json["reason"]) for answer in answers]  # type: ignore[index]
        assert told == [(422, "topup_declined", reason)] * 2

    assert shop.standing(ana) == (0, 0)


def test_3d_secure_is_handed_to_the_app_and_again_on_a_retry(shop: Shop) -> None:
    ana = shop.customer()

    answers = [shop.top_up(ana, source="pm_card_authenticationRequired", key="k") for _ in range(2)]

    [intent] = shop.provider.intents.values()
    told = [(answer.json["state"], answer.json["action"]) for answer in answers]  # type: ignore[index]
    secret = {"client_secret": intent["client_secret"], "publishable_key": "pk_test_standin"}
    assert told == [("requires_action", secret)] * 2
    topup_id = answers[0].json["id"]  # type: ignore[index]
    shown = ana.ask("GET", f"/topups/{topup_id}").json
    assert (shown["state"], shown["action"]) == ("requires_action", None)
    shop.provider.pay(intent["id"])  # the webhook is lost
    assert topups.finish_due(shop.gateway, clock.now() + timedelta(seconds=20)) == 1
    assert ana.ask("GET", f"/topups/{topup_id}").json["state"] == "succeeded"
    assert shop.standing(ana) == (2500, 0)


def test_sheet_opens_with_all_that_stripe_wants_and_saves_the_card(shop: Shop) -> None:
    ana = shop.customer()

    first, again = (ana.ask("POST", "/topups/intents", {"amount": usd(2500)}, "k").json for _ in range(2))
    other = ana.ask("POST", "/topups/intents", {"amount": usd(100)}).json

    [customer] = shop.provider.customers
    intents = list(shop.provider.intents.values())
    assert first == again
    assert first["topup"]["state"] == "requires_action"
    assert (first["client_secret"], first["payer"]) == (intents[0]["client_secret"], customer)
    assert (first["ephemeral_key"], first["publishable_key"]) == (f"ek_test_{customer}", "pk_test_standin")
    assert (other["payer"], len(intents)) == (customer, 2)
    assert {intent["customer"] for intent in intents} == {customer}


def test_intent_that_nobody_completes_is_called_off(shop: Shop) -> None:
    ana = shop.customer()
    topup_id = ana.ask("POST", "/topups/intents", {"amount": usd(2500)}).json["topup"]["id"]
    [intent] = shop.provider.intents
    made_at = clock.now()

    assert topups.finish_due(shop.gateway, made_at + ABANDONED_AFTER - timedelta(minutes=1)) == 1
    assert shop.provider.intents[intent]["status"] == "requires_payment_method"
    assert topups.finish_due(shop.gateway, made_at + ABANDONED_AFTER + timedelta(hours=1)) == 1

    assert shop.provider.intents[intent]["status"] == "canceled"
    assert shop.topup(topup_id)["state"] == "failed"
    late = shop.provider.pay(intent)  # cannot be, and would still be the customer's money
    shop.hear(late)
    assert shop.standing(ana) == (2500, 0)


def test_bank_debit_is_asked_after_until_it_ends(shop: Shop) -> None:
    ana = shop.customer()
    answer = shop.top_up(ana, source="pm_usBankAccount_processing")
    [intent] = shop.provider.intents.values()
    assert (answer.status_code, answer.json["state"]) == (201, "in_doubt")  # type: ignore[index]

    assert topups.finish_due(shop.gateway, clock.now() + timedelta(days=3)) == 1
    assert shop.topup(answer.json["id"])["last_error"] == "processing"  # type: ignore[index]
    intent["status"] = "succeeded"
    assert topups.finish_due(shop.gateway, clock.now() + timedelta(days=4)) == 1

    assert shop.standing(ana) == (2500, 0)
    assert len(shop.provider.intents) == 1


def test_saved_cards_are_the_customers_own(shop: Shop) -> None:
    ana, ben = shop.customer(), shop.customer("+12025550144")
    assert ana.ask("GET", "/payment-methods").json == {"items": [], "next_cursor": None}
    payers = [door.ask("POST", "/topups/intents", {"amount": usd(500)}).json["payer"] for door in (ana, ben)]
    card = shop.provider.save_card(payers[0])

    [shown] = ana.ask("GET", "/payment-methods").json["items"]
    assert shown == {
        "id": card, "kind": "card", "brand": "visa", "last4": "4242", "expires_year": 2034, "expires_month": 12,
    }  # fmt: skip
    assert shop.top_up(ana, 700, card).json["state"] == "succeeded"  # type: ignore[index]
    assert shop.top_up(ben, 700, card).json["reason"] == "payment_method_customer_mismatch"  # type: ignore[index]
    assert ben.code("DELETE", f"/payment-methods/{card}") == (404, "payment_method_unknown")
    assert ana.ask("DELETE", f"/payment-methods/{card}").status_code == 204
    for name in (card, "%2e%2e", "..%3Fx", "a" * 256, "pm_é"):
        assert ana.code("DELETE", f"/payment-methods/{name}") == (404, "payment_method_unknown")


def test_provider_out_of_reach_is_told_as_such_and_leaves_the_key_free(shop: Shop) -> None:
    ana = shop.customer()
    shop.provider.will("fail")

    answer = ana.ask("POST", "/topups/intents", {"amount": usd(2500)}, "k")

    assert (answer.status_code, answer.json["code"]) == (503, "payment_provider_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert count(shop.connection, "wallet.topup") == 0
    assert ana.ask("POST", "/topups/intents", {"amount": usd(2500)}, "k").status_code == 201


def test_top_up_over_a_limit_is_refused_unasked_and_stays_refused(shop: Shop) -> None:
    ana, now = shop.customer(), clock.now()
    assert shop.standing(ana) == (0, 0)
    with transaction() as session:
        measures = {"per_transfer": 2500, "per_day": 4000, "ceiling": None}
        limits.set_rule(session, tier="basic", scope="load", asset="USD", measures=measures, now=now)

    answers = [shop.top_up(ana, amount, key=f"k{amount}") for amount in (2500, 2501, 1501, 1500)]

    assert [answer.status_code for answer in answers] == [201, 422, 422, 201]
    assert [answer.json["code"] for answer in answers[1:3]] == ["limit_exceeded"] * 2  # type: ignore[index]
    with transaction() as session:
        limits.set_tier(session, ana.id, "enhanced", now=now)
    again = shop.top_up(ana, 2501, key="k2501")
    assert (again.status_code, again.json["code"]) == (422, "limit_exceeded")  # type: ignore[index]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (shop.standing(ana), len(shop.provider.intents)) == ((4000, 0), 2)


def test_staff_list_and_settle_what_is_in_doubt(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.read", "topups.settle")
    shop.provider.will("fail", "fail")
    doubtful = [shop.top_up(ana, amount).json["id"] for amount in (1000, 2000)]  # type: ignore[index]
    shop.topped_up(ana, 300)

    page = staff.ask("GET", "/topups?status=in_doubt&limit=1").json
    rest = staff.ask("GET", f"/topups?status=in_doubt&limit=1&cursor={page['next_cursor']}").json
    assert [item["id"] for item in page["items"] + rest["items"]] == doubtful[::-1]
    assert rest["next_cursor"] is None
    assert len(staff.ask("GET", f"/topups?customer_id={ana.id}").json["items"]) == 3
    assert staff.ask("GET", f"/topups?customer_id={ids.new()}").json["items"] == []

    charged = {"charged": True, "provider_reference": "pi_console"}
    for _ in range(2):
        answer = staff.ask("PUT", f"/topups/{doubtful[0]}/settlement", charged)
        assert (answer.status_code, answer.json["status"]) == (200, "succeeded")
    assert staff.ask("PUT", f"/topups/{doubtful[1]}/settlement", {"charged": False}).json["status"] == "failed"

    assert shop.standing(ana) == (1300, 0)
    assert staff.code("PUT", f"/topups/{doubtful[1]}/settlement", charged) == (409, "topup_not_in_doubt")
    assert staff.code("PUT", f"/topups/{ids.new()}/settlement", charged) == (404, "not_found")
    assert count(shop.connection, "core.audit_entry WHERE action = 'topup.settle'") == 2
    assert topups.finish_due(shop.gateway, clock.now() + timedelta(hours=1)) == 0


def test_charge_of_another_topup_settles_nothing(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.settle")
    _, intent = shop.topped_up(ana)
    shop.provider.will("fail")
    doubtful = shop.top_up(ana).json["id"]  # type: ignore[index]

    body = {"charged": True, "provider_reference": intent}
    assert staff.code("PUT", f"/topups/{doubtful}/settlement", body) == (422, "provider_reference_reused")
    assert shop.standing(ana) == (2500, 0)


def test_bad_input_is_refused_before_anything_is_kept(shop: Shop) -> None:
    ana, euros = shop.customer(), {"amount_minor": 100, "currency": "EUR"}
    bad = [
        ("/topups", {"amount": usd(0), "source": "tok_visa"}),
        ("/topups", {"amount": usd(-5), "source": "tok_visa"}),
        ("/topups", {"amount": {"amount_minor": 12.5, "currency": "USD"}, "source": "tok_visa"}),
        ("/topups", {"amount": {"amount_minor": "12", "currency": "USD"}, "source": "tok_visa"}),
        ("/topups", {"amount": usd(2**53), "source": "tok_visa"}),
        ("/topups", {"amount": {"amount_minor": 100, "currency": "usd"}, "source": "tok_visa"}),
        ("/topups", {"amount": usd(100), "source": ""}),
        ("/topups", {"amount": usd(100)}),
        ("/topups/intents", {"amount": None}),
        ("/topups/intents", {"amount": usd(100), "source": "tok_visa"}),
    ]

    told = [ana.code("POST", path, body) for path, body in bad]

    assert told == [(422, "invalid_input")] * len(bad)
    assert ana.code("POST", "/topups", {"amount": euros, "source": "tok_visa"}) == (422, "currency_unknown")
    assert (count(shop.connection, "wallet.topup"), shop.provider.asked) == (0, [])


def test_strangers_topup_is_not_there(shop: Shop) -> None:
    topup_id, _ = shop.topped_up(shop.customer())

    assert shop.customer("+12025550144").code("GET", f"/topups/{UUID(topup_id)}") == (404, "not_found")


def test_what_failed_counts_against_no_amount_but_its_tries_are_counted(shop: Shop) -> None:
    ana, now = shop.customer(), clock.now()
    assert shop.standing(ana) == (0, 0)
    with transaction() as session:
        measures = {"per_day": 2500, "count_per_hour": 3}
        limits.set_rule(session, tier="basic", scope="load", asset="USD", measures=measures, now=now)

    declined = [shop.top_up(ana, 2500, "pm_card_chargeDeclined").json["code"] for _ in range(2)]  # type: ignore[index]
    charged = shop.top_up(ana, 2500)
    over = shop.top_up(ana, 1).json

    assert (declined, charged.status_code) == (["topup_declined"] * 2, 201)
    assert over and (over["code"], over["limit"]) == ("limit_exceeded", "count_per_hour")


def test_every_currency_of_the_wallet_is_counted_as_stripe_wants(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_settings", Settings(wallet_currencies="ISK,KWD"))
    ana = shop.customer()

    def top_up(amount_minor: int, currency: str) -> Any:
        amount = {"amount_minor": amount_minor, "currency": currency}
        return ana.ask("POST", "/topups", {"amount": amount, "source": "pm_card_visa"}).json

    told = [top_up(500, "ISK"), top_up(5120, "KWD"), top_up(5124, "KWD")]

    assert [answer.get("state", answer.get("reason")) for answer in told] == [
        "succeeded", "succeeded", "amount_not_chargeable",
    ]  # fmt: skip
    assert [(each["amount"], each["currency"]) for each in shop.provider.intents.values()] == [
        (50000, "isk"), (5120, "kwd"),
    ]  # fmt: skip
    assert balance(shop.connection, accounts.of_customer(ana.id, "ISK").id) == 500
    shop.hear(shop.provider.give_back(next(iter(shop.provider.intents)), 10000))
    assert balance(shop.connection, accounts.of_customer(ana.id, "ISK").id) == 400
