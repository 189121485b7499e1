import pytest

from core.gateways.outcomes import Unknown
from core.gateways.payments import Charged, ChargeOutcome, Declined
from core.gateways.sandbox_payments import SandboxPayments


def charge(source: str, *, reference: str = "top-up-1", amount_minor: int = 1250) -> ChargeOutcome:
    return SandboxPayments().charge(reference=reference, amount_minor=amount_minor, currency="USD", source=source)


def test_each_test_source_has_its_answer() -> None:
    assert isinstance(charge("sandbox_ok"), Charged)
    assert charge("sandbox_declined") == Declined("card_declined")
    assert charge("sandbox_insufficient") == Declined("insufficient_funds")
    assert charge("sandbox_timeout") == Unknown("timeout")
    assert charge("4242424242424242") == Declined("unknown_source")


def test_same_reference_is_the_same_charge_and_another_is_another() -> None:
    assert charge("sandbox_ok") == charge("sandbox_ok")
    assert charge("sandbox_ok") != charge("sandbox_ok", reference="top-up-2")


def test_charge_of_nothing_cannot_be_asked() -> None:
    with pytest.raises(ValueError, match="at least one minor unit"):
        charge("sandbox_ok", amount_minor=0)
