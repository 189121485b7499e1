"""A birthday is sealed, found by month and day, and changes once a year."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from auth import birthdays, customers
from auth.customers import SignUp
from auth.errors import BirthdayFixed, BirthdayInvalid
from auth.models import Customer
from core.db import transaction
from tests.auth.conftest import Phone, Watch
from tests.suspending import suspend

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def change(app: Phone, birthday: str | None) -> Any:
    header = {"Authorization": f"Bearer {app.sign_in()['access_token']}"}
    return app.client.patch("/app/v1/me", json={"birthday": birthday}, headers=header)


def test_a_birthday_is_told_to_its_customer_alone(phone: Phone) -> None:
    assert change(phone, "1990-02-28").json["birthday"] == "1990-02-28"

    with transaction() as session:
        customer = session.scalars(select(Customer)).one()
        assert b"1990" not in (customer.birthday or b"")


def test_a_birthday_changes_once_a_year(phone: Phone, watch: Watch) -> None:
    change(phone, "1990-02-28")

    assert change(phone, "1990-02-28").status_code == 200  # the same again is no change
    answer = change(phone, "1990-03-01")
    assert (answer.status_code, answer.json["code"]) == (409, "birthday_fixed")
    watch.move(days=365)
    assert change(phone, "1990-03-01").json["birthday"] == "1990-03-01"


def test_forgetting_a_birthday_does_not_shorten_the_year(phone: Phone) -> None:
    change(phone, "1990-02-28")

    assert change(phone, None).json["birthday"] is None
    assert change(phone, "1990-02-27").json["code"] == "birthday_fixed"


@pytest.mark.parametrize("age", [timedelta(days=365) - timedelta(seconds=1), timedelta(days=365)])
def test_the_year_is_over_to_the_second(database: None, age: timedelta) -> None:
    with transaction() as session:
        [customer_id] = customers.sign_up_all(session, [SignUp(phone="+12125550142")], now=NOW)
        customers.change(session, customer_id, changes={"birthday": "02-28"}, now=NOW)
        if age < birthdays.FIXED_FOR:
            with pytest.raises(BirthdayFixed):
                customers.change(session, customer_id, changes={"birthday": "03-01"}, now=NOW + age)
        else:
            customers.change(session, customer_id, changes={"birthday": "03-01"}, now=NOW + age)


@pytest.mark.parametrize(
    "text", ["1990-02-30", "90-02-28", "1990-2-28", "2026-11-23", "1895-01-01", "13-01", "00-10", "2023-02-29", "x", ""]
)
def test_what_is_no_birthday_is_refused(text: str) -> None:
    with pytest.raises(BirthdayInvalid):
        birthdays.normalised(text, today=NOW.date())


@pytest.mark.parametrize("text", ["1990-02-28", "02-29", "2024-02-29", "2026-11-22", "1896-01-01"])
def test_days_that_were_pass(text: str) -> None:
    assert birthdays.normalised(text, today=date(2026, 11, 22)) == text


def test_an_invalid_birthday_is_a_refusal_of_its_own(phone: Phone) -> None:
    assert (change(phone, "1990-02-30").status_code, change(phone, "1990-02-30").json["code"]) == (
        422,
        "birthday_invalid",
    )


def test_active_customers_are_found_by_month_and_day_page_by_page(database: None) -> None:
    with transaction() as session:
        rows = [SignUp(phone=f"+1212555{number:04}") for number in range(100, 106)]
        made = customers.sign_up_all(session, rows, now=NOW)
        for number, customer_id in enumerate(made):
            birthday = "1990-02-28" if number < 4 else "02-27"
            customers.change(session, customer_id, changes={"birthday": birthday}, now=NOW)
        customers.change(session, made[5], changes={"birthday": None}, now=NOW)
        suspend(session, made[0])

    def page(after: UUID | None) -> list[UUID]:
        with transaction() as session:
            return customers.with_birthday(session, "02-28", after=after, limit=2)

    assert page(None) == sorted(made[1:4])[:2]
    assert page(sorted(made[1:4])[1]) == sorted(made[1:4])[2:]
