"""Identity checks: kept before the provider is asked, moved on by its word, and asked about again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from core import clock, crypto, ids
from core.db import transaction
from core.errors import NotFound, Refusal
from core.gateways.identity import Handover, Notice, SandboxIdentity, Standing, Verdict
from core.gateways.stripe_identity import StripeIdentity
from core.idempotency import InFlight, KeyReused
from tests.standins import stripe_identity
from tests.standins.server import Behaviour
from tests.wallet.identity.conftest import announced, check_now, submit, tier_of
from wallet.identity import checks, sealed, tiers
from wallet.identity.errors import (
    IdentityCheckOpen,
    IdentityCheckRefused,
    IdentityChecksExhausted,
    IdentityVerified,
)
from wallet.identity.models import IdentityCheck

SANDBOX = SandboxIdentity(["secret"])
SOON = timedelta(minutes=5)


def test_approval_raises_the_tier(customer_id: UUID) -> None:
    check = submit(SANDBOX, customer_id, "sandbox_approved").check

    assert (check.state, check.reasons, check.document, check.due_at) == ("approved", [], None, None)
    assert check.decided_at is not None
    assert tier_of(customer_id) == "verified"
    assert announced() == ["tier.changed verified", "identity_check.completed approved"]


def test_rejection_keeps_the_reasons_and_the_tier(customer_id: UUID) -> None:
    check = submit(SANDBOX, customer_id, "sandbox_rejected").check

    assert (check.state, check.reasons) == ("rejected", ["document_expired"])
    assert tier_of(customer_id) == "basic"
    assert announced() == ["identity_check.completed rejected"]


def test_refused_document_opens_no_check(customer_id: UUID) -> None:
    for _ in range(2):
        with pytest.raises(IdentityCheckRefused) as refusal:
            submit(SANDBOX, customer_id, "passport", key="one")
        assert refusal.value.facts == {"reason": "unknown_document"}

    assert refusal.value.is_replayed
    assert announced() == []
    assert submit(SANDBOX, customer_id, "sandbox_approved").check.state == "approved"


def test_same_key_is_the_same_check_and_another_body_is_refused(customer_id: UUID) -> None:
    first = submit(SANDBOX, customer_id, "sandbox_review", key="one")
    again = submit(SANDBOX, customer_id, "sandbox_review", key="one")

    assert (first.replayed, again.replayed, again.check.id) == (False, True, first.check.id)
    with pytest.raises(KeyReused):
        submit(SANDBOX, customer_id, "sandbox_approved", key="one", body=b"other")


def test_one_check_goes_on_at_a_time(customer_id: UUID) -> None:
    open_ = submit(SANDBOX, customer_id, "sandbox_review").check

    with pytest.raises(IdentityCheckOpen) as refusal:
        submit(SANDBOX, customer_id, "sandbox_approved")

    assert refusal.value.facts == {"identity_check_id": str(open_.id)}


def test_verified_customer_needs_no_check(customer_id: UUID) -> None:
    submit(SANDBOX, customer_id, "sandbox_approved")

    with pytest.raises(IdentityVerified):
        submit(SANDBOX, customer_id, "sandbox_approved")


def test_sixth_check_of_a_day_has_to_wait(customer_id: UUID) -> None:
    for _ in range(5):
        submit(SANDBOX, customer_id, "sandbox_rejected")

    with pytest.raises(IdentityChecksExhausted) as refusal:
        submit(SANDBOX, customer_id, "sandbox_rejected")

    assert 0 < (refusal.value.retry_after_seconds or 0) <= 86_400


def test_nobody_is_not_checked(database: None) -> None:
    with pytest.raises(NotFound):
        submit(SANDBOX, ids.new(), "sandbox_approved")


def test_document_is_sealed_until_the_provider_has_it(customer_id: UUID) -> None:
    check = submit(SANDBOX, customer_id, "sandbox_timeout").check

    assert (check.state, check.last_error) == ("pending", "timeout")
    assert check.document is not None
    assert b"sandbox_timeout" not in check.document
    with transaction() as session:
        assert sealed.opened_document(session, check) == "sandbox_timeout"


def test_handover_is_sealed_and_served_while_it_waits(
    customer_id: UUID, gateway: StripeIdentity, stripe: stripe_identity.StripeIdentity
) -> None:
    check = submit(gateway, customer_id).check

    name = check.provider_reference
    assert (check.state, name in stripe.sessions, check.handover is not None) == ("waiting", True, True)
    with transaction() as session:
        handover = sealed.opened_handover(session, check)
    assert handover == Handover(f"{name}_secret_test", f"https://verify.stripe.com/start/{name}")


def test_due_work_learns_the_verdict_that_no_call_back_brought(
    customer_id: UUID, gateway: StripeIdentity, stripe: stripe_identity.StripeIdentity
) -> None:
    check = submit(gateway, customer_id).check
    assert checks.ask_due(gateway, clock.now()) == 0
    assert checks.ask_due(gateway, clock.now() + SOON) == 1
    assert check_now(check.id).state == "waiting"
    stripe.decide(str(check.provider_reference), "verified")

    assert checks.ask_due(gateway, clock.now() + 2 * SOON) == 1

    assert (check_now(check.id).state, check_now(check.id).handover) == ("approved", None)
    assert tier_of(customer_id) == "verified"
    assert checks.ask_due(gateway, clock.now() + timedelta(days=9)) == 0


@pytest.mark.parametrize("behaviour", [Behaviour("drop"), Behaviour("limit"), Behaviour("fail", status=500)])
def test_lost_submission_is_made_again_as_the_same_session(
    customer_id: UUID, gateway: StripeIdentity, stripe: stripe_identity.StripeIdentity, behaviour: Behaviour
) -> None:
    stripe.will(behaviour)
    submitted = submit(gateway, customer_id, key="one")
    assert (submitted.check.state, submitted.check.provider_reference) == ("pending", None)
    assert submit(gateway, customer_id, key="one").check.state == "pending"

    checks.ask_due(gateway, clock.now() + SOON)

    check = check_now(submitted.check.id)
    assert check.state == "waiting"
    assert set(stripe.sessions) == {check.provider_reference}


def test_crash_before_the_provider_was_asked_is_finished_by_due_work(
    customer_id: UUID, gateway: StripeIdentity, stripe: stripe_identity.StripeIdentity
) -> None:
    check = _left_behind(customer_id)
    with pytest.raises(InFlight):
        submit(gateway, customer_id, key="one")
    assert checks.ask_due(gateway, clock.now()) == 0

    assert checks.ask_due(gateway, clock.now() + timedelta(seconds=61)) == 1

    assert check_now(check).state == "waiting"
    assert submit(gateway, customer_id, key="one").check.id == check
    assert len(stripe.sessions) == 1


def test_check_without_a_word_expires_and_makes_room(
    customer_id: UUID, gateway: StripeIdentity, stripe: stripe_identity.StripeIdentity
) -> None:
    check = submit(gateway, customer_id).check

    checks.ask_due(gateway, clock.now() + timedelta(days=29, hours=23))
    assert check_now(check.id).state == "waiting"
    checks.ask_due(gateway, clock.now() + timedelta(days=31))

    assert check_now(check.id).state == "expired"
    assert submit(gateway, customer_id).check.state == "waiting"


def test_submission_that_is_never_answered_is_given_up_after_twenty_hours(customer_id: UUID) -> None:
    check = submit(SANDBOX, customer_id, "sandbox_timeout").check

    assert checks.ask_due(SANDBOX, check.created_at + timedelta(hours=20, seconds=-1)) == 1
    assert (check_now(check.id).state, check_now(check.id).attempts) == ("pending", 2)
    # The provider may have forgotten our reference by then, and would open a second check.
    checks.ask_due(SANDBOX, check.created_at + timedelta(hours=22))

    after = check_now(check.id)
    assert (after.state, after.document, after.attempts) == ("expired", None, 2)


def test_check_at_a_provider_that_was_left_expires(customer_id: UUID, gateway: StripeIdentity) -> None:
    check = submit(gateway, customer_id).check

    checks.ask_due(SANDBOX, clock.now() + SOON)

    assert check_now(check.id).state == "expired"


def test_verdict_that_comes_four_times_at_once_counts_once(customer_id: UUID, gateway: StripeIdentity) -> None:
    check = submit(gateway, customer_id).check
    notice = _notice(check, Verdict(True))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: checks.take(notice, gateway=gateway, now=clock.now()), range(4)))

    assert announced() == ["tier.changed verified", "identity_check.completed approved"]


def test_late_approval_of_an_expired_check_counts(customer_id: UUID, gateway: StripeIdentity) -> None:
    check = submit(gateway, customer_id).check
    checks.ask_due(gateway, clock.now() + timedelta(days=31))

    checks.take(_notice(check, Verdict(True)), gateway=gateway, now=clock.now())

    assert (check_now(check.id).state, tier_of(customer_id)) == ("approved", "verified")


def test_wrong_key_of_ours_keeps_a_waiting_check_and_refuses_a_new_one(
    customer_id: UUID, gateway: StripeIdentity, stripe: stripe_identity.StripeIdentity
) -> None:
    revoked = StripeIdentity(api_key="rk_revoked", webhook_secrets=[], api_url=stripe.url)
    with pytest.raises(IdentityCheckRefused):
        submit(revoked, customer_id)
    check = submit(gateway, customer_id).check

    checks.ask_due(revoked, clock.now() + SOON)

    after = check_now(check.id)
    assert (after.state, after.last_error) == ("waiting", "stripe_invalid_request_error")


def test_approval_is_final_and_comes_once(customer_id: UUID, gateway: StripeIdentity) -> None:
    check = submit(gateway, customer_id).check
    for verdict in (
        Verdict(False, ("selfie_face_mismatch",)),
        Verdict(False, ("late",)),
        Verdict(True),
        Verdict(True),
        None,
        Verdict(False, ("overtaken",)),
    ):
        checks.take(_notice(check, verdict), gateway=gateway, now=clock.now())

    after = check_now(check.id)
    assert (after.state, after.reasons, after.handover) == ("approved", [], None)
    assert announced() == [
        "identity_check.completed rejected",
        "tier.changed verified",
        "identity_check.completed approved",
    ]


def test_verdict_that_overtakes_the_answer_stands(customer_id: UUID, stripe: stripe_identity.StripeIdentity) -> None:
    class Overtaken(StripeIdentity):
        def submit(self, *, reference: UUID, document_token: str | None) -> Standing:
            standing = super().submit(reference=reference, document_token=document_token)
            assert isinstance(standing, Standing)
            notice = Notice(reference, Standing(standing.provider_reference, Verdict(True)))
            checks.take(notice, gateway=self, now=clock.now())
            return standing

    gateway = Overtaken(api_key=stripe_identity.API_KEY, webhook_secrets=[], api_url=stripe.url)

    assert submit(gateway, customer_id).check.state == "approved"
    assert announced() == ["tier.changed verified", "identity_check.completed approved"]


def test_word_about_another_check_changes_nothing(customer_id: UUID, gateway: StripeIdentity) -> None:
    check = submit(gateway, customer_id).check

    checks.take(Notice(check.id, Standing("vs_other", Verdict(True))), gateway=gateway, now=clock.now())
    checks.take(Notice(ids.new(), Standing("vs_other", Verdict(True))), gateway=gateway, now=clock.now())
    checks.take(_notice(check, Verdict(True)), gateway=SANDBOX, now=clock.now())

    assert (check_now(check.id).state, tier_of(customer_id)) == ("waiting", "basic")


def test_approval_lowers_nobody(customer_id: UUID, gateway: StripeIdentity) -> None:
    check = submit(gateway, customer_id).check
    with transaction() as session:
        tiers.set_(session, customer_id, tier="enhanced", reason="case-1", actor="staff:1", now=clock.now())

    checks.take(_notice(check, Verdict(True)), gateway=gateway, now=clock.now())

    assert tier_of(customer_id) == "enhanced"
    assert announced() == ["tier.changed enhanced", "identity_check.completed approved"]


def test_erased_customers_check_ends_without_a_document(customer_id: UUID) -> None:
    check = submit(SANDBOX, customer_id, "sandbox_timeout").check
    with transaction() as session:
        crypto.destroy_data_key(session, customer_id)

    checks.ask_due(SANDBOX, clock.now() + SOON)

    assert (check_now(check.id).state, check_now(check.id).document) == ("expired", None)


def test_two_requests_at_once_open_one_check(customer_id: UUID, gateway: StripeIdentity) -> None:
    def ask(key: str) -> str:
        try:
            return str(submit(gateway, customer_id, key=key).check.id)
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(ask, ["one", "one", "two", "two"]))

    with transaction() as session:
        kept = [str(check_id) for check_id in session.scalars(text("SELECT id FROM wallet.identity_check"))]
    assert len(kept) == 1
    assert set(told) <= {*kept, "idempotency_in_flight", "identity_check_open"}
    assert kept[0] in told


def _notice(check: IdentityCheck, verdict: Verdict | None) -> Notice:
    return Notice(check.id, Standing(str(check.provider_reference), verdict))


def _left_behind(customer_id: UUID) -> UUID:
    """A check whose process died right after its row was committed."""

    class Dying(StripeIdentity):
        def submit(self, *, reference: UUID, document_token: str | None) -> Standing:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        submit(Dying(api_key="", webhook_secrets=[]), customer_id, key="one")
    with transaction() as session:
        found = checks.latest(session, customer_id)
        assert found is not None
        return found.id
