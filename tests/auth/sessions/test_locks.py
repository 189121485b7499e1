"""What signs somebody in locks in the order of who ends their sessions: the person first, then the session."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from sqlalchemy import select

from auth import sessions
from auth.models import Customer
from auth.oauth.clients import Client
from auth.places import suspending
from auth.sessions.models import LoginSession
from core.db import transaction
from tests.auth.authorizing.conftest import Person, answer_in, partner, person, until_code
from tests.auth.conftest import Phone, Watch
from tests.auth.device_grants.conftest import Device, television
from tests.auth.device_grants.test_polling import decide
from tests.auth.sessions.sso import exchange, first_app, second
from tests.core.locks import until_somebody_waits

__all__ = ["partner", "person", "second", "television"]


def test_a_second_app_signs_in_while_the_customer_is_suspended(phone: Phone, second: str, watch: Watch) -> None:
    told = first_app(phone)

    answer = suspended_during(lambda: exchange(phone, second, told), watch)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")


def test_a_code_is_redeemed_while_the_customer_is_suspended(person: Person, partner: Client, watch: Watch) -> None:
    code = person.come_back()["code"]

    answer = suspended_during(lambda: person.redeem(code), watch)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")


def test_a_browser_asks_for_a_code_while_the_customer_is_suspended(
    person: Person, partner: Client, watch: Watch
) -> None:
    person.come_back()
    watch.move(minutes=2)

    page = suspended_during(lambda: person.open(prompt="none"), watch)

    assert answer_in(page)["error"] == "login_required"


def test_a_device_is_let_in_while_the_customer_is_suspended(television: Device, phone: Phone, watch: Watch) -> None:
    told = television.ask().json
    decide(told["user_code"], phone, watch)

    answer = suspended_during(lambda: television.poll(told["device_code"]), watch)

    assert (answer.status_code, answer.json["error"]) == (400, "access_denied")


def test_who_signs_in_while_their_session_ends_has_one_that_lives(
    person: Person, partner: Client, watch: Watch
) -> None:
    person.come_back()
    page = until_code(person, prompt="login")
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            session_id = session.scalars(select(LoginSession.id)).one()
            sessions.end(session, session_id, because="signed_out", now=watch.now)
            done = pool.submit(person.robot.answer, page)
            until_somebody_waits()
        done.result()

    assert "code" in answer_in(person.open(prompt="none"))


def suspended_during(asking: Callable[[], Any], watch: Watch) -> Any:
    """What somebody is answered who asks while another transaction suspends the customer."""
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            customer_id: UUID = session.scalars(select(Customer.id).with_for_update()).one()
            asked = pool.submit(asking)
            until_somebody_waits()
            suspending.set_status(
                session, "customer", customer_id, status="suspended", actor="staff:test", now=watch.now
            )
        with transaction() as session:
            assert session.scalars(select(LoginSession.id).where(LoginSession.ended_at.is_(None))).all() == []
        return asked.result()
