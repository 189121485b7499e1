"""Stripe's SDK against a stand-in that speaks its wire: what each answer means for the money."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from core.gateways import http
from core.gateways.outcomes import Unknown
from core.gateways.payments import ActionNeeded, Charged, ChargeOutcome, Declined, Notice, Refunded, Underway
from core.gateways.signatures import Forged
from core.gateways.stripe_amounts import from_stripe, to_stripe
from core.gateways.stripe_payments import StripePayments
from tests.standins.stripe import PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET, Stripe, signed

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def provider() -> Iterator[Stripe]:
    with Stripe() as standin:
        yield standin


def gateway(provider: Stripe, **more: Any) -> StripePayments:
    keys = {"secret_key": SECRET_KEY, "publishable_key": PUBLISHABLE_KEY, "webhook_secrets": [WEBHOOK_SECRET]}
    return StripePayments(**{**keys, "api_url": provider.url, **more})


def charge(provider: Stripe, source: str = "pm_card_visa", **more: Any) -> ChargeOutcome:
    asked = {"reference": "topup-1", "amount_minor": 2500, "currency": "USD", "source": source, **more}
    return gateway(provider).charge(**asked)


def test_charge_is_one_intent_whatever_how_often_it_is_asked(provider: Stripe) -> None:
    outcomes = [charge(provider) for _ in range(3)]

    [intent] = provider.intents.values()
    assert outcomes == [Charged(intent["id"])] * 3
    assert (intent["amount"], intent["currency"], intent["metadata"]) == (2500, "usd", {"topup_id": "topup-1"})
    assert {headers["idempotency-key"] for headers in provider.headers} == {"topup-1"}
    assert not any("x-stripe-client-telemetry" in headers for headers in provider.headers)


@pytest.mark.parametrize(
    ("source", "more", "outcome"),
    [
        ("tok_visa", {}, Charged("pi_1")),
        ("pm_card_chargeDeclined", {}, Declined("generic_decline")),
        ("pm_card_chargeDeclinedInsufficientFunds", {}, Declined("insufficient_funds")),
        ("pm_card_expired", {}, Declined("expired_card")),
        ("pm_card_authenticationRequired", {}, ActionNeeded("pi_1", "pi_1_secret_x")),
        ("pm_card_authenticationRequired", {"is_off_session": True}, Declined("authentication_required")),
        ("pm_usBankAccount_processing", {}, Underway("pi_1")),
        ("pm_unknown", {}, Declined("resource_missing")),
        ("pm_card_visa", {"amount_minor": 49}, Declined("amount_too_small")),
        ("pm_card_visa", {"payer": "cus_nobody"}, Declined("resource_missing")),
    ],
)
def test_each_answer_has_its_meaning(
    provider: Stripe, source: str, more: dict[str, Any], outcome: ChargeOutcome
) -> None:
    assert charge(provider, source, **more) == outcome


def test_lost_answer_is_found_by_asking_again(provider: Stripe) -> None:
    provider.will("drop")

    assert [type(charge(provider)) for _ in range(2)] == [Unknown, Charged]
    assert len(provider.intents) == 1


def test_answer_that_does_not_come_in_time_is_unknown(provider: Stripe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 0.2)
    provider.will("hang")

    assert charge(provider) == Unknown("ReadTimeout")
    monkeypatch.undo()
    assert isinstance(charge(provider), Charged)
    assert len(provider.intents) == 1


@pytest.mark.parametrize(
    ("mode", "reason"), [("fail", "http_500"), ("limit", "rate_limited"), ("busy", "http_409"), ("fault", "http_500")]
)
def test_nobody_can_tell_and_asking_again_is_harmless(provider: Stripe, mode: str, reason: str) -> None:
    provider.will(mode)

    assert charge(provider) == Unknown(reason)
    # A fault that Stripe keeps under the key is repeated for ever: the intent is found by what stands on it.
    assert charge(provider) == Charged(next(iter(provider.intents)))
    assert len(provider.intents) == 1
    assert len([asked for asked in provider.asked if asked[0] == "POST"]) == 2


def test_key_of_another_charge_and_an_unreachable_stripe_are_unknown(provider: Stripe) -> None:
    charge(provider)

    assert charge(provider, amount_minor=900) == Unknown("idempotency_mismatch")
    nowhere = gateway(provider, api_url="http://127.0.0.1:9")
    asked = {"reference": "topup-2", "amount_minor": 2500, "currency": "USD", "source": "pm_card_visa"}
    assert nowhere.charge(**asked) == Unknown("ConnectionError")


def test_wrong_key_of_ours_charges_nobody(provider: Stripe) -> None:
    wrong = gateway(provider, secret_key="sk_test_wrong")

    asked = {"reference": "topup-1", "amount_minor": 2500, "currency": "USD", "source": "pm_card_visa"}
    assert wrong.charge(**asked) == Declined("provider_not_configured")
    assert wrong.look_up("pi_1") == Unknown("provider_not_configured")


def test_sheet_is_completed_or_called_off(provider: Stripe) -> None:
    ours = gateway(provider)
    payer = ours.open_payer(reference="customer-1")
    assert isinstance(payer, str)
    assert ours.open_payer(reference="customer-1") == payer

    prepared = ours.prepare(reference="topup-1", amount_minor=2500, currency="USD", payer=payer)
    keys = ours.sheet_keys(payer=payer)

    assert isinstance(prepared, ActionNeeded)
    assert not isinstance(keys, Unknown)
    assert (keys.publishable_key, keys.ephemeral_key, keys.payer) == (PUBLISHABLE_KEY, f"ek_test_{payer}", payer)
    assert ours.look_up(prepared.provider_reference) == prepared
    provider.fail(prepared.provider_reference, "card_declined")
    assert ours.look_up(prepared.provider_reference) == ActionNeeded(
        prepared.provider_reference, prepared.client_secret, "card_declined"
    )
    provider.pay(prepared.provider_reference)
    assert ours.cancel(prepared.provider_reference) == Charged(prepared.provider_reference)

    other = ours.prepare(reference="topup-2", amount_minor=2500, currency="USD", payer=payer)
    assert isinstance(other, ActionNeeded)
    assert ours.cancel(other.provider_reference) == Declined("canceled")
    assert ours.look_up("pi_gone") == Unknown("resource_missing")


def test_saved_methods_are_their_payers_alone(provider: Stripe) -> None:
    ours = gateway(provider)
    ana, ben = ours.open_payer(reference="ana"), ours.open_payer(reference="ben")
    assert isinstance(ana, str)
    assert isinstance(ben, str)
    card = provider.save_card(ana)

    found = ours.methods(payer=ana)
    assert not isinstance(found, Unknown)
    assert [(each.id, each.brand, each.last4, each.expires) for each in found] == [(card, "visa", "4242", (2034, 12))]
    assert ours.methods(payer=ben) == []
    assert charge(provider, card, payer=ben) == Declined("payment_method_customer_mismatch")
    assert charge(provider, card, payer=ana, reference="topup-2") == Charged(list(provider.intents)[-1])
    assert [ours.detach(payer=ben, method=card), ours.detach(payer=ana, method=card)] == [False, True]
    assert ours.methods(payer=ana) == []


def test_refund_is_given_once_and_never_more_than_was_charged(provider: Stripe) -> None:
    ours, outcome = gateway(provider), charge(provider)
    assert isinstance(outcome, Charged)
    asked = {"provider_reference": outcome.provider_reference, "currency": "USD"}

    again = [ours.refund(reference="refund-1", amount_minor=1000, **asked) for _ in range(2)]

    assert again == [Refunded(next(iter(provider.refunds)))] * 2
    assert ours.refund(reference="refund-2", amount_minor=1501, **asked) == Declined("charge_already_refunded")
    assert isinstance(ours.refund(reference="refund-3", amount_minor=1500, **asked), Refunded)


@pytest.mark.parametrize(
    ("amount", "currency", "theirs"),
    [(500, "JPY", 500), (5, "ISK", 500), (1250, "USD", 1250), (5120, "KWD", 5120), (5124, "KWD", None)],
)
def test_amounts_are_counted_as_stripe_wants(amount: int, currency: str, theirs: int | None) -> None:
    assert to_stripe(amount, currency) == theirs
    if theirs is not None:
        assert from_stripe(theirs, currency) == amount


def test_amount_that_no_card_can_be_charged_is_declined_unasked(provider: Stripe) -> None:
    assert charge(provider, amount_minor=5124, currency="KWD") == Declined("amount_not_chargeable")
    assert provider.asked == []


def test_notice_tells_what_we_act_on_and_nothing_of_the_person(provider: Stripe) -> None:
    outcome = charge(provider)
    assert isinstance(outcome, Charged)
    ours, intent = gateway(provider), outcome.provider_reference

    def told(hook: Any) -> Notice:
        return ours.notice(hook.body, hook.headers, at=datetime.now(UTC))

    charged, back = told(provider.pay(intent)), told(provider.give_back(intent, 700))
    quarrel = told(provider.dispute(intent, 1800, "needs_response"))

    assert (charged.kind, charged.reference, charged.amount_minor, charged.currency) == (
        "charged", "topup-1", 2500, "USD",
    )  # fmt: skip
    assert (back.kind, back.reference, back.provider_reference, back.amount_minor) == (
        "refunded", "topup-1", intent, 700,
    )  # fmt: skip
    assert (quarrel.kind, quarrel.dispute, quarrel.standing, quarrel.amount_minor) == ("disputed", "dp_1", "open", 1800)
    assert "ana" not in repr((charged, back, quarrel)).lower()
    assert told(provider.event("invoice.paid", {"id": "in_1"})).kind == "other"
    assert told(provider.event("charge.refunded", {"id": "ch_1"})).kind == "other"
    assert told(signed("[]")).kind == "other"


def test_only_a_fresh_signature_of_ours_over_the_very_body_is_believed(provider: Stripe) -> None:
    charge(provider)
    ours, at = gateway(provider, webhook_secrets=["whsec_new", WEBHOOK_SECRET]), int(NOW.timestamp())
    intent = next(iter(provider.intents.values()))
    told = {"kind": "payment_intent.succeeded", "told": intent}

    for good in (provider.event(**told, at=at), provider.event(**told, at=at - 300, secret="whsec_new")):
        assert ours.notice(good.body, good.headers, at=NOW).kind == "charged"

    hook = provider.event(**told, at=at)
    forged = [
        (hook.body.replace(b"2500", b"9900"), hook.headers),
        (hook.body, {}),
        (hook.body, {"Stripe-Signature": f"t={at}"}),
        (hook.body, {"Stripe-Signature": f"t={at},v1=é"}),
        (hook.body, {"Stripe-Signature": "nonsense"}),
        (hook.body, provider.event(**told, at=at, secret="whsec_other").headers),
        (hook.body, provider.event(**told, at=at - 301).headers),
    ]
    for body, headers in forged:
        with pytest.raises(Forged):
            ours.notice(body, headers, at=NOW)
    stale = provider.event(**told, at=at - 301)
    with pytest.raises(Forged):
        ours.notice(stale.body, stale.headers, at=NOW)
