"""An e-mail address is a customer's once they sent back the code that was written to it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg import sql
from sqlalchemy import select

from auth import contacts, customers, emails
from auth.customers import SignUp
from auth.errors import EmailInvalid
from auth.models import Customer, EmailProof
from core import clock
from core.db import connection_of, transaction
from core.delivery import messages, work
from core.delivery.models import Message
from core.gateways import sandbox
from tests.auth.conftest import PHONE, Phone, Watch

OTHER = "+12125550143"
ADDRESS = "ada@example.com"


class App:
    """One signed-in app."""

    def __init__(self, phone: Phone, number: str = PHONE) -> None:
        self._phone = phone
        self._header = {"Authorization": f"Bearer {phone.sign_in(number)['access_token']}"}

    def put(self, email: str) -> Any:
        return self._phone.client.put("/app/v1/me/email", json={"email": email}, headers=self._header)

    def prove(self, code: str) -> Any:
        return self._phone.client.post("/app/v1/me/email/proof", json={"code": code}, headers=self._header)

    def drop(self) -> Any:
        return self._phone.client.delete("/app/v1/me/email", headers=self._header)

    def me(self) -> Any:
        return self._phone.client.get("/app/v1/me", headers=self._header).json

    def read_code(self, email: str = ADDRESS) -> str:
        work.send_due(self._phone.app.extensions["gateways"], clock.now())
        with transaction() as session:
            given = sandbox.kept(session, recipient=email)
        latest = max(given, key=lambda message: str(message.content["message_id"]))
        found = re.match(r"\d{6}", latest.content["body"])
        assert found
        return found[0]


@pytest.fixture
def mine(phone: Phone) -> App:
    return App(phone)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_an_address_counts_once_its_code_came_back(mine: App) -> None:
    assert mine.put(" Ada@Example.com ").status_code == 202
    assert mine.me()["email"] is None

    answer = mine.prove(mine.read_code())

    assert (answer.status_code, answer.json["email"]) == (200, ADDRESS)
    with transaction() as session:
        customer = session.scalars(select(Customer)).one()
        found = contacts.contacts_of(session, [customer.id])[customer.id]
        assert found.email == ADDRESS
        assert emails.by_email(session, "ADA@example.com") == customer.id
        assert session.scalars(select(EmailProof)).all() == []


def test_the_address_proved_before_stays_until_another_one_is(mine: App) -> None:
    mine.put(ADDRESS)
    mine.prove(mine.read_code())

    mine.put("new@example.com")

    assert mine.me()["email"] == ADDRESS
    mine.prove(mine.read_code("new@example.com"))
    assert mine.me()["email"] == "new@example.com"


def test_a_wrong_code_counts_and_after_five_none_works(mine: App) -> None:
    mine.put(ADDRESS)
    code = mine.read_code()

    left = [mine.prove(wrong(code)).json["tries_left"] for _ in range(5)]

    assert left == [4, 3, 2, 1, 0]
    answer = mine.prove(code)
    assert (answer.status_code, answer.json["code"], answer.json["tries_left"]) == (422, "email_code_wrong", 0)
    assert mine.me()["email"] is None


def test_the_fifth_try_may_still_be_right(mine: App) -> None:
    mine.put(ADDRESS)
    code = mine.read_code()
    for _ in range(4):
        mine.prove(wrong(code))

    assert mine.prove(code).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(14 * 60 + 59, 200), (15 * 60, 422)])
def test_a_code_works_for_a_quarter_of_an_hour(mine: App, watch: Watch, seconds: int, status: int) -> None:
    # The access token lives ten minutes, so that it is the function that is asked.
    mine.put(ADDRESS)
    code = mine.read_code()
    watch.move(seconds=seconds)

    with transaction() as session:
        customer_id = session.scalars(select(Customer.id)).one()
        refusal = emails.prove(session, customer_id, code, now=clock.now())

    assert (200 if refusal is None else 422) == status


def test_a_code_works_once_and_a_newer_one_ends_it(mine: App) -> None:
    mine.put(ADDRESS)
    first = mine.read_code()
    mine.put("other@example.com")

    # (In one of a million cases both codes are the same digits; bound to its address, the first still works no more.)
    assert mine.prove(first).status_code == 422
    code = mine.read_code("other@example.com")
    assert [mine.prove(code).status_code, mine.prove(code).status_code] == [200, 422]


def test_an_address_is_told_to_be_taken_only_to_who_proved_it(phone: Phone, mine: App) -> None:
    mine.put(ADDRESS)
    mine.prove(mine.read_code())
    theirs = App(phone, OTHER)

    assert theirs.put(ADDRESS).status_code == 202
    answer = theirs.prove(theirs.read_code())

    assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
    assert (mine.me()["email"], theirs.me()["email"]) == (ADDRESS, None)


def test_typing_an_address_takes_it_from_nobody(phone: Phone, mine: App) -> None:
    theirs = App(phone, OTHER)
    theirs.put(ADDRESS)

    mine.put(ADDRESS)
    code = mine.read_code()

    assert theirs.prove(code).status_code == 422
    assert mine.prove(code).status_code == 200


def test_codes_are_limited_for_a_customer(mine: App) -> None:
    answers = [mine.put(f"a{number}@example.com") for number in range(6)]

    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert (answers[-1].json["code"], int(answers[-1].headers["Retry-After"]) > 0) == ("email_limited", True)
    with transaction() as session:
        assert len(session.scalars(select(Message).where(Message.channel == "email")).all()) == 5


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def is_sent(customer_id: UUID, *, now: datetime) -> bool:
    with transaction() as session:
        return emails.ask(session, customer_id, ADDRESS, brand_name="Brand", now=now) is None


def signed_up(number: int) -> list[UUID]:
    with transaction() as session:
        rows = [SignUp(phone=f"+1212555{each:04}") for each in range(200, 200 + number)]
        return customers.sign_up_all(session, rows, now=NOON)


def test_a_stranger_does_not_use_up_the_codes_of_an_addresss_owner(database: None) -> None:
    stranger, owner = signed_up(2)

    sent = [is_sent(stranger, now=NOON + timedelta(hours=hour)) for hour in range(7)]

    assert sent == [True] * 5 + [False] * 2
    assert is_sent(owner, now=NOON + timedelta(hours=7))


def test_an_address_gets_thirty_codes_a_day_whoever_asks(database: None) -> None:
    sent = [is_sent(customer_id, now=NOON) for customer_id in signed_up(7) for _ in range(5)]

    assert sent == [True] * 30 + [False] * 5
    assert is_sent(signed_up(8)[7], now=NOON + timedelta(hours=12))


def test_forgetting_an_address_takes_back_what_waits_for_it(mine: App) -> None:
    mine.put(ADDRESS)
    mine.prove(mine.read_code())
    with transaction() as session:
        customer_id = session.scalars(select(Customer.id)).one()
        waiting = messages.enqueue(
            session, customer_id=customer_id, channel="email", recipient=ADDRESS,
            content={"subject": "Offer", "text": "For you"}, purpose="marketing", due_at=clock.now(), now=clock.now(),
        )  # fmt: skip

    assert mine.drop().status_code == 204

    assert mine.me()["email"] is None
    with transaction() as session:
        message = session.scalars(select(Message).where(Message.id == waiting)).one()
        assert (message.state, message.last_error) == ("suppressed", "address_gone")
        assert emails.by_email(session, ADDRESS) is None


@pytest.mark.parametrize(
    "text",
    [
        "ada", "ada@", "@example.com", "ada@example", "a b@example.com", "ada@exa mple.com", "ada@b.co\nBcc: x@y.zz",
        "ada,eve@example.com", "<ada@example.com>", '"ada"@example.com', "ada@-example.com", "ada..x@example.com",
        f"{'a' * 65}@example.com", f"a@{'b' * 250}.com", "ada@ex\u00e4mple.com", "ada@example.com,eve@example.com",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    with pytest.raises(EmailInvalid):
        emails.normalised(text)


@pytest.mark.parametrize("text", ["a@b.co", "Ada.L+news@sub.example.co.uk", f"{'a' * 64}@example.com", "a@b.xn--p1ai"])
def test_plain_addresses_pass(text: str) -> None:
    assert emails.normalised(text) == text.lower()


def test_refused_input_leaves_no_trace(mine: App) -> None:
    assert (mine.put("not an address").status_code, mine.put("not an address").json["code"]) == (422, "email_invalid")
    assert mine.prove("12345").json["errors"][0]["pointer"] == "/code"
    with transaction() as session:
        assert session.scalars(select(EmailProof)).all() == []


def test_no_address_stands_in_clear(mine: App) -> None:
    mine.put(ADDRESS)
    mine.prove(mine.read_code())

    with transaction() as session:
        for table in ("auth.customer", "auth.email_proof", "core.event", "core.message", "auth.limit_counter"):
            query = sql.SQL("SELECT count(*) FROM {} t WHERE t::text ILIKE '%%ada@%%'").format(
                sql.Identifier(*table.split("."))
            )
            row = connection_of(session).execute(query).fetchone()
            assert row == (0,), table


def test_addresses_of_codes_that_ran_out_are_swept_away(mine: App, watch: Watch) -> None:
    mine.put(ADDRESS)
    with transaction() as session:
        assert emails.forget(session, now=clock.now(), most=10) == 0
    watch.move(minutes=15)

    with transaction() as session:
        assert emails.forget(session, now=clock.now(), most=10) == 1
