from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.errors import ApprovalLapsed, ApprovalMismatch, ApprovalNotGiven, ApprovalSpent
from auth.passkeys import asserting, listing, registering
from auth.passkeys.errors import PasskeyNeeded, PasskeyRefused, PasskeyYoung
from auth.proofs import Owner
from auth.step_up import approvals, binding
from auth.step_up.models import StepUp
from core import ids
from core.db import connection_of, statement, transaction
from core.errors import NotFound, Refusal
from tests.auth.authenticator import PRESENT, Authenticator
from tests.auth.passkeys.conftest import NOW, added, owner_of

SHOP = binding.merchant(UUID(int=7))
FAMILY = UUID(int=9)


@pytest.fixture
def ada(database: None) -> Owner:
    return owner_of("+12125550142")


@pytest.fixture
def device(ada: Owner) -> Authenticator:
    device = Authenticator()
    added(ada, device)
    return device


def ask(owner: Owner, *, now: datetime = NOW) -> StepUp:
    with transaction() as session:
        return approvals.ask(
            session,
            customer_id=owner.id,
            family_id=FAMILY,
            purpose="payment",
            amount_minor=50_000,
            currency="USD",
            payee=SHOP,
            now=now,
        )


def prove(
    approval: StepUp, device: Authenticator, *, now: datetime = NOW, family_id: UUID | None = FAMILY, **bent: Any
) -> StepUp | Refusal:
    signed = device.get(asserting.options(approvals.challenge_of(approval), passkeys=None), **bent)
    with transaction() as session:
        return approvals.prove(
            session, approval.id, signed, customer_id=approval.customer_id, family_id=family_id, now=now
        )


def consume(approval: StepUp, *, now: datetime = NOW, **other: Any) -> UUID | None:
    bound = {"amount_minor": 50_000, "currency": "USD", "payee": SHOP, "purpose": "payment"}
    with transaction() as session:
        return approvals.consume(
            session,
            approval.id,
            **{"customer_id": approval.customer_id, **bound, **other},
            now=now,
        )


def status_of(approval: StepUp) -> str:
    with transaction() as session:
        return approvals.find(session, approval.id, customer_id=approval.customer_id).status


def announced() -> list[str]:
    with statement() as connection:
        return [row[0] for row in connection.execute("SELECT name FROM core.event WHERE name LIKE 'step_up.%%'")]


def test_an_approval_is_asked_given_and_used_once(ada: Owner, device: Authenticator) -> None:
    approval = ask(ada)

    given = prove(approval, device)
    payment_id = consume(approval)

    assert isinstance(given, StepUp)
    assert payment_id == approval.payment_id
    assert status_of(approval) == "used"
    with pytest.raises(ApprovalSpent):
        consume(approval)
    assert sorted(announced()) == ["step_up.approved", "step_up.asked", "step_up.used"]


def test_what_is_signed_is_bound_to_all_that_is_paid() -> None:
    bound: dict[str, Any] = {
        "payment_id": UUID(int=1), "amount_minor": 1, "currency": "USD", "payee": SHOP, "nonce": b"n",
    }  # fmt: skip
    others = [
        {"payment_id": UUID(int=2)},
        {"amount_minor": 2},
        {"currency": "EUR"},
        {"payee": binding.store(UUID(int=7))},
        {"nonce": b"m"},
    ]

    assert binding.challenge_of(**bound) == binding.challenge_of(**bound)
    assert len({binding.challenge_of(**bound), *(binding.challenge_of(**{**bound, **each}) for each in others)}) == 6


@pytest.mark.parametrize(
    "other",
    [
        {"amount_minor": 50_001},
        {"amount_minor": 49_999},
        {"currency": "EUR"},
        {"payee": binding.merchant(UUID(int=8))},
        {"payee": binding.store(UUID(int=7))},
        {"purpose": "sending"},
    ],
    ids=str,
)
def test_any_change_is_refused_and_voids_it(ada: Owner, device: Authenticator, other: dict[str, Any]) -> None:
    approval = ask(ada)
    prove(approval, device)

    with pytest.raises(ApprovalMismatch) as refused:
        consume(approval, **other)
    with transaction() as session:
        approvals.voiding(approval.id, customer_id=ada.id, now=NOW)(session, refused.value)

    assert status_of(approval) == "void"
    with pytest.raises(ApprovalMismatch):
        consume(approval)
    assert "step_up.voided" in announced()


def test_another_customers_approval_is_not_there(ada: Owner, device: Authenticator) -> None:
    bob, approval = owner_of("+12125550143"), ask(ada)
    prove(approval, device)

    with pytest.raises(NotFound):
        consume(approval, customer_id=bob.id)
    assert status_of(approval) == "approved"


def test_an_approval_that_is_not_given_allows_nothing(ada: Owner, device: Authenticator) -> None:
    with pytest.raises(ApprovalNotGiven):
        consume(ask(ada))


def test_what_a_passkey_approved_goes_with_it(ada: Owner, device: Authenticator) -> None:
    """Its owner removes what is not theirs, or support what was stolen, and pays for nothing more by it."""
    approval = ask(ada)
    prove(approval, device)
    with transaction() as session:
        [passkey] = registering.of(session, ada)
        listing.drop(session, passkey, now=NOW)

    with pytest.raises(ApprovalNotGiven):
        consume(approval)


def test_an_approval_that_is_not_there_allows_nothing(ada: Owner) -> None:
    with pytest.raises(NotFound):
        consume(StepUp(id=ids.new(), customer_id=ada.id))


def test_no_approval_uses_none_up(ada: Owner) -> None:
    with transaction() as session:
        found = approvals.consume(
            session, None, customer_id=ada.id, purpose="payment", amount_minor=1, currency="USD", payee=SHOP, now=NOW
        )

    assert found is None


def test_an_approval_is_good_for_two_minutes(ada: Owner, device: Authenticator) -> None:
    used, lapsed, late = ask(ada), ask(ada), ask(ada)
    last, over = NOW + timedelta(seconds=119), NOW + timedelta(seconds=120)

    prove(used, device, now=last)
    prove(lapsed, device, now=last)
    consume(used, now=last)

    with pytest.raises(ApprovalLapsed):
        consume(lapsed, now=over)
    with pytest.raises(ApprovalLapsed):
        prove(late, device, now=over)


def test_the_fifth_wrong_proof_voids_it(ada: Owner, device: Authenticator) -> None:
    approval = ask(ada)

    left = []
    for _ in range(5):
        refused = prove(approval, device, flags=PRESENT)
        assert isinstance(refused, PasskeyRefused)
        left.append(refused.facts["tries_left"])

    assert left == [4, 3, 2, 1, 0]
    assert status_of(approval) == "void"
    with pytest.raises(ApprovalMismatch):
        prove(approval, device)


def test_after_four_wrong_proofs_the_right_one_is_taken(ada: Owner, device: Authenticator) -> None:
    approval = ask(ada)
    for _ in range(4):
        prove(approval, device, flags=PRESENT)

    assert isinstance(prove(approval, device), StepUp)


def test_a_signature_for_one_approval_gives_no_other(ada: Owner, device: Authenticator) -> None:
    small, large = ask(ada), ask(ada)
    signed = device.get(asserting.options(approvals.challenge_of(small), passkeys=None))

    with transaction() as session:
        outcome = approvals.prove(session, large.id, signed, customer_id=ada.id, family_id=FAMILY, now=NOW)

    assert isinstance(outcome, PasskeyRefused)


def test_another_customers_passkey_approves_nothing(ada: Owner, device: Authenticator) -> None:
    theirs = Authenticator()
    added(owner_of("+12125550143"), theirs)

    assert isinstance(prove(ask(ada), theirs), PasskeyRefused)


def test_another_sign_in_of_the_customer_does_not_prove(ada: Owner, device: Authenticator) -> None:
    approval = ask(ada)

    for other in (UUID(int=10), None):
        with pytest.raises(NotFound):
            prove(approval, device, family_id=other)
    assert isinstance(prove(approval, device), StepUp)


def test_proving_again_answers_the_same(ada: Owner, device: Authenticator) -> None:
    approval = ask(ada)
    prove(approval, device)

    again = prove(approval, device, flags=PRESENT)

    assert isinstance(again, StepUp)
    assert again.tries == 0


def test_who_has_no_passkey_is_told_to_make_one(ada: Owner) -> None:
    with pytest.raises(PasskeyNeeded):
        ask(ada)


@pytest.mark.parametrize("seconds", [-1, 0])
def test_a_young_passkey_approves_nothing(ada: Owner, seconds: int) -> None:
    young = Authenticator()
    approves_from = added(ada, young, is_trusted=False).approves_from
    now = approves_from + timedelta(seconds=seconds)

    if seconds < 0:
        with pytest.raises(PasskeyYoung):
            ask(ada, now=now)
    else:
        assert isinstance(prove(ask(ada, now=now), young, now=now), StepUp)


def test_a_young_passkey_approves_nothing_beside_an_old_one(ada: Owner, device: Authenticator) -> None:
    young = Authenticator()
    added(ada, young, is_trusted=False)
    approval = ask(ada)

    assert isinstance(prove(approval, young), PasskeyYoung)
    assert isinstance(prove(approval, device), StepUp)


def test_what_is_rolled_back_uses_no_approval_up(ada: Owner, device: Authenticator) -> None:
    approval = ask(ada)
    prove(approval, device)

    with pytest.raises(RuntimeError), transaction() as session:
        approvals.consume(
            session, approval.id, customer_id=ada.id, purpose="payment", amount_minor=50_000, currency="USD",
            payee=SHOP, now=NOW,
        )  # fmt: skip
        raise RuntimeError

    assert status_of(approval) == "approved"


def test_what_the_ledger_is_told_goes_with_the_transaction(ada: Owner, device: Authenticator) -> None:
    approval = ask(ada)
    prove(approval, device)
    consume(approval)

    with transaction() as session:
        row = connection_of(session).execute("SELECT current_setting('wallet.step_up', true)").fetchone()
    assert row in ((None,), ("",))


def test_old_approvals_are_forgotten(ada: Owner, device: Authenticator) -> None:
    approval = ask(ada)

    with transaction() as session:
        assert approvals.forget(session, now=approval.expires_at + timedelta(hours=23), most=10) == 0
        assert approvals.forget(session, now=approval.expires_at + timedelta(hours=24), most=10) == 1
