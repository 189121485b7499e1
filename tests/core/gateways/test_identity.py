"""Identity checks at the sandbox, and at Stripe Identity over real HTTP to a stand-in."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core import ids
from core.gateways import http, signatures
from core.gateways.identity import Handover, IdentityOutcome, Notice, SandboxIdentity, Standing, Verdict
from core.gateways.outcomes import Refused, Retry, Unknown
from core.gateways.signatures import Forged
from core.gateways.stripe_identity import StripeIdentity
from tests.standins import stripe_identity
from tests.standins.server import Behaviour

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def stripe() -> Iterator[stripe_identity.StripeIdentity]:
    with stripe_identity.StripeIdentity() as server:
        yield server


def at(url: str, **more: str) -> StripeIdentity:
    return StripeIdentity(
        api_key=more.get("api_key", stripe_identity.API_KEY),
        webhook_secrets=["whsec_old", stripe_identity.SECRET],
        api_url=url,
    )


def submitted(gateway: StripeIdentity) -> Standing:
    standing = gateway.submit(reference=ids.new(), document_token=None)
    assert isinstance(standing, Standing)
    return standing


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        ("sandbox_approved", Verdict(True)),
        ("sandbox_rejected", Verdict(False, ("document_expired",))),
        ("sandbox_review", None),
    ],
)
def test_sandbox_is_decided_by_the_document(document: str, verdict: Verdict | None) -> None:
    sandbox, reference = SandboxIdentity(["secret"]), ids.new()

    standing = sandbox.submit(reference=reference, document_token=document)

    assert isinstance(standing, Standing)
    assert standing.verdict == verdict
    assert sandbox.submit(reference=reference, document_token=document) == standing
    assert sandbox.ask(standing.provider_reference) == standing


@pytest.mark.parametrize("document", [None, "", "approved", "sandbox_", "sandbox_none", "passport_approved"])
def test_sandbox_refuses_documents_that_it_does_not_know(document: str | None) -> None:
    outcome = SandboxIdentity([]).submit(reference=ids.new(), document_token=document)

    assert outcome == Refused("unknown_document", permanent=True)


def test_sandbox_reads_its_own_call_back() -> None:
    sandbox, reference = SandboxIdentity(["secret"]), ids.new()
    told = {"id": "sandbox_review_1", "reference": str(reference), "status": "rejected", "reasons": ["selfie_mismatch"]}
    body = json.dumps(told).encode()

    notice = sandbox.notice(body, {"Identity-Signature": signatures.sign(body, secret="secret", at=AT)}, at=AT)

    assert notice == Notice(reference, Standing("sandbox_review_1", Verdict(False, ("selfie_mismatch",))))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"reference": 7, "status": []}', b"\xff"])
def test_signed_nonsense_tells_nothing(body: bytes) -> None:
    header = {"Identity-Signature": signatures.sign(body, secret="secret", at=AT)}

    assert SandboxIdentity(["secret"]).notice(body, header, at=AT) is None


def test_signature_fits_one_of_our_secrets_within_five_minutes() -> None:
    header = signatures.sign(b"{}", secret="new", at=AT)

    for seconds in (-300, 0, 300):
        signatures.check(header, b"{}", secrets=["old", "new"], at=AT + timedelta(seconds=seconds))
    for secrets, body, seconds in (
        (["old"], b"{}", 0),
        ([], b"{}", 0),
        (["new"], b"{ }", 0),
        (["new"], b"{}", 301),
        (["new"], b"{}", -301),
    ):
        with pytest.raises(Forged):
            signatures.check(header, body, secrets=secrets, at=AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("header", ["", "t=,v1=", "t=1", "v1=00", "t=1,t=2,v1=00", "t=-1,v1=é", "t=9999999999999,v1=0"])
def test_header_that_is_no_signature_is_a_forgery(header: str) -> None:
    with pytest.raises(Forged):
        signatures.check(header, b"{}", secrets=["new"], at=AT)


def test_session_is_opened_once_for_each_reference(stripe: stripe_identity.StripeIdentity) -> None:
    gateway, reference = at(stripe.url), ids.new()

    first = gateway.submit(reference=reference, document_token=None)
    again = gateway.submit(reference=reference, document_token=None)

    assert isinstance(first, Standing)
    assert first == again
    name = first.provider_reference
    assert first.handover == Handover(f"{name}_secret_test", f"https://verify.stripe.com/start/{name}")
    assert first.verdict is None
    assert {call.headers["Idempotency-Key"] for call in stripe.calls} == {str(reference)}
    assert stripe.calls[0].fields["type"] == "document"
    assert stripe.calls[0].headers["Stripe-Version"] == "2024-06-20"


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        ("requires_input", None, None),
        ("processing", None, None),
        ("verified", None, Verdict(True)),
        ("requires_input", "document_expired", Verdict(False, ("document_expired",))),
        ("canceled", None, Verdict(False, ("canceled",))),
    ],
)
def test_session_tells_its_verdict_asked_and_by_event(
    stripe: stripe_identity.StripeIdentity, status: str, code: str | None, verdict: Verdict | None
) -> None:
    gateway, reference = at(stripe.url), ids.new()
    standing = gateway.submit(reference=reference, document_token=None)
    assert isinstance(standing, Standing)
    body = stripe_identity.event(stripe.decide(standing.provider_reference, status, code=code))

    asked = gateway.ask(standing.provider_reference)
    told = gateway.notice(
        body, {"Stripe-Signature": stripe_identity.signature(body, at=AT.timestamp())}, at=AT + timedelta(seconds=9)
    )

    assert isinstance(asked, Standing)
    assert asked.verdict == verdict
    assert told == Notice(reference, Standing(standing.provider_reference, verdict))


def test_forged_or_stale_event_is_not_believed(stripe: stripe_identity.StripeIdentity) -> None:
    gateway = at(stripe.url)
    body = stripe_identity.event(stripe.decide(submitted(gateway).provider_reference, "verified"))

    for header in (
        stripe_identity.signature(body, at=AT.timestamp(), secret="whsec_guessed"),
        stripe_identity.signature(body, at=AT.timestamp() - 301),
        stripe_identity.signature(body + b" ", at=AT.timestamp()),
        "",
    ):
        with pytest.raises(Forged):
            gateway.notice(body, {"Stripe-Signature": header}, at=AT)


@pytest.mark.parametrize(
    "told",
    [
        {"object": "payment_intent", "id": "pi_1", "metadata": {"check_id": str(ids.new())}},
        {"object": "identity.verification_session", "id": "vs_1", "status": "verified", "metadata": {}},
        {"object": "identity.verification_session", "id": "vs_1", "status": "verified", "metadata": {"check_id": "7"}},
        None,
    ],
)
def test_event_of_another_system_on_the_account_tells_nothing(told: object) -> None:
    body = json.dumps({"data": {"object": told}}).encode()
    header = {"Stripe-Signature": stripe_identity.signature(body, at=AT.timestamp())}

    assert at("http://127.0.0.1:9").notice(body, header, at=AT) is None


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Behaviour("refuse", code="parameter_invalid"), Refused("stripe_parameter_invalid", permanent=True)),
        (Behaviour("limit"), Retry("http_429")),
        (Behaviour("fail", status=503), Retry("http_503")),
        (Behaviour("fail", status=500), Unknown("http_500")),
        (Behaviour("fail", status=409), Retry("stripe_idempotency_in_use")),
        (Behaviour("drop"), Unknown("ConnectionError")),
    ],
)
def test_failure_tells_whether_to_ask_again(
    stripe: stripe_identity.StripeIdentity, behaviour: Behaviour, outcome: IdentityOutcome
) -> None:
    stripe.will(behaviour)

    assert at(stripe.url).submit(reference=ids.new(), document_token=None) == outcome

    assert len(stripe.calls) == 1


def test_lost_answer_is_settled_by_asking_again(stripe: stripe_identity.StripeIdentity) -> None:
    gateway, reference = at(stripe.url), ids.new()
    stripe.will(Behaviour("drop"))
    gateway.submit(reference=reference, document_token=None)

    standing = gateway.submit(reference=reference, document_token=None)

    assert isinstance(standing, Standing)
    assert set(stripe.sessions) == {standing.provider_reference}


def test_silence_is_unknown_after_the_time_out(
    stripe: stripe_identity.StripeIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 0.1)
    stripe.will(Behaviour("hang"))

    assert at(stripe.url).submit(reference=ids.new(), document_token=None) == Unknown("ReadTimeout")


def test_wrong_key_is_ours_to_mend_and_a_missing_session_is_not(stripe: stripe_identity.StripeIdentity) -> None:
    wrong = at(stripe.url, api_key="rk_test_revoked").submit(reference=ids.new(), document_token=None)

    assert wrong == Refused("stripe_invalid_request_error", permanent=False)
    assert at(stripe.url).ask("vs_../none") == Refused("stripe_resource_missing", permanent=True)


def test_refused_connection_may_be_retried() -> None:
    with stripe_identity.StripeIdentity() as server:
        gone = server.url

    assert at(gone).submit(reference=ids.new(), document_token=None) == Retry("ConnectionRefused")
