"""Guessing codes: counted by terminal, customer and address; then no code is looked up for a while."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core import ids
from core.db import connection_of, transaction
from core.errors import Refusal
from rewards.errors import CodeGuessesExceeded, LimitReached, VoucherUnknown
from rewards.redemption import guesses
from rewards.redemption.guesses import OF_ADDRESS, OF_CUSTOMER, OF_TERMINAL, Guesser
from tests.rewards.conftest import NOW
from tests.rewards.test_api import BASKET, Door, checkout, customer, running, staff, till

__all__ = ["customer", "staff", "till"]

AT_TILL = Guesser(terminal_id=ids.new(), address="203.0.113.7")


def guess(guesser: Guesser, times: int, refusal: Refusal | None = None) -> None:
    for _ in range(times):
        with transaction() as session:
            guesses.note(session, guesser, refusal or VoucherUnknown(), now=NOW)


def is_locked(guesser: Guesser, *, at=NOW) -> int | None:
    """For how many seconds."""
    with transaction() as session:
        try:
            guesses.refuse_when_locked(connection_of(session), guesser, now=at)
        except CodeGuessesExceeded as refusal:
            return refusal.retry_after_seconds
    return None


def test_terminal_is_stopped_after_thirty_wrong_codes_until_its_window_ends(database: None) -> None:
    elsewhere = replace(AT_TILL, terminal_id=ids.new())

    guess(AT_TILL, OF_TERMINAL.most - 1)
    assert is_locked(AT_TILL) is None
    guess(AT_TILL, 1)

    assert (is_locked(AT_TILL), is_locked(elsewhere)) == (600, None)
    assert is_locked(AT_TILL, at=NOW + timedelta(minutes=10, microseconds=-1)) == 1
    assert is_locked(AT_TILL, at=NOW + timedelta(minutes=10)) is None


def test_address_is_stopped_whatever_the_terminal(database: None) -> None:
    for _ in range(2):
        guess(replace(AT_TILL, terminal_id=ids.new()), OF_ADDRESS.most // 2)

    assert is_locked(replace(AT_TILL, terminal_id=ids.new()))
    assert is_locked(replace(AT_TILL, terminal_id=ids.new(), address="203.0.113.8")) is None


def test_customer_is_stopped_at_whatever_till(database: None) -> None:
    customer_id = ids.new()
    guess(replace(AT_TILL, customer_id=customer_id), OF_CUSTOMER.most)

    assert is_locked(Guesser(terminal_id=ids.new(), customer_id=customer_id)) == 3600
    assert is_locked(AT_TILL) is None


@pytest.mark.parametrize("refusal", [VoucherUnknown.mistyped(), LimitReached()])
def test_typing_errors_and_other_refusals_are_no_guesses(database: None, refusal: Refusal) -> None:
    guess(AT_TILL, OF_ADDRESS.most, refusal)

    assert is_locked(AT_TILL) is None


def asked(code: str) -> dict[str, object]:
    return {"code": code, "basket": BASKET, "currency": "USD", "till_reference": str(ids.new())}


def test_till_that_guesses_gets_429_also_for_right_codes(staff: Door, till: Door, customer: Door) -> None:
    code = staff.post(f"/campaigns/{running(staff)}/vouchers", {"code": "SPRING10"}).json["code"]
    typo = "7KQ2M9ZP4XHD3RTC"
    made = till.post("/redemptions", asked(code), "made before")

    typed = [till.post("/redemptions", asked(typo)) for _ in range(OF_TERMINAL.most)]
    answers = [till.post("/redemptions", asked(f"GUESS{number}"), f"g{number}") for number in range(OF_TERMINAL.most)]
    again = till.post("/redemptions", asked("GUESS0"), "g0")
    stopped = till.post("/redemptions", asked(code))

    assert {answer.status_code for answer in [*typed, *answers]} == {404}
    assert {answer.json["code"] for answer in [*typed, *answers]} == {"voucher_unknown"}
    assert again.status_code == 422  # the reference is another, so it is another request
    assert (stopped.status_code, stopped.json["code"]) == (429, "code_guesses_exceeded")
    assert 0 < int(stopped.headers["Retry-After"]) <= 600
    assert till.post("/checkouts", checkout(customer, vouchers=[code])).json["code"] == "code_guesses_exceeded"
    assert till.post("/checkouts", checkout(customer)).status_code == 201
    assert made.status_code == 201


def test_customer_who_guesses_at_checkouts_is_stopped(staff: Door, till: Door, customer: Door) -> None:
    for number in range(OF_CUSTOMER.most):
        refused = till.post("/checkouts", checkout(customer, vouchers=[f"GUESS{number}"]))
        assert refused.json["code"] == "voucher_unknown"

    stopped = till.post("/checkouts", checkout(customer, vouchers=["GUESS11"]))

    assert (stopped.status_code, stopped.json["code"]) == (429, "code_guesses_exceeded")
