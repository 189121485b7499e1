"""Authorization codes and refresh tokens over HTTP: once, in time, with the verifier; and races for them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import select

from auth import customers
from auth.oauth.models import TokenFamily
from auth.places import suspending
from core import clock
from core.db import transaction
from core.delivery import work
from core.events.log import EventRow
from core.gateways import sandbox
from tests.auth.conftest import PHONE, Phone, Watch


def together(times: int, act: Callable[[], Any]) -> Sequence[Any]:
    with ThreadPoolExecutor(times) as pool:
        return [future.result() for future in [pool.submit(act) for _ in range(times)]]


def revocations() -> list[str]:
    with transaction() as session:
        query = select(EventRow.payload).where(EventRow.name == "token_family.revoked")
        return [payload["reason"] for payload in session.scalars(query)]


def assert_refused(answer: Any) -> None:
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_code_works_within_its_minute(phone: Phone, watch: Watch) -> None:
    code, late = phone.authorization_code(), phone.authorization_code("+12125550143")

    watch.move(seconds=59)
    assert phone.redeem(code).status_code == 200
    watch.move(seconds=1)
    assert_refused(phone.redeem(late))


def test_a_code_needs_its_verifier(phone: Phone) -> None:
    code = phone.authorization_code()

    for verifier in ("w" * 43, "v" * 42, "v" * 129):
        assert_refused(phone.redeem(code, verifier))

    assert phone.redeem(code).status_code == 200


def test_a_code_that_comes_twice_revokes_what_it_gave(phone: Phone) -> None:
    code = phone.authorization_code()
    tokens = phone.redeem(code).json

    assert_refused(phone.redeem(code))

    assert_refused(phone.refresh(tokens["refresh_token"]))
    assert revocations() == ["code_reused"]


def test_who_saw_a_code_but_lacks_its_verifier_cannot_sign_its_owner_out(phone: Phone) -> None:
    code = phone.authorization_code()
    tokens = phone.redeem(code).json

    assert_refused(phone.redeem(code, "w" * 43))

    assert phone.refresh(tokens["refresh_token"]).status_code == 200


def test_one_code_eight_ways_at_once_has_one_winner(phone: Phone) -> None:
    code = phone.authorization_code()

    answers = together(8, lambda: Phone(phone.app, phone.app.test_client()).redeem(code))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    with transaction() as session:
        assert len(session.scalars(select(TokenFamily.id)).all()) == 1


def test_one_otp_eight_ways_at_once_gives_one_code(phone: Phone) -> None:
    auth_session = phone.ask().json["auth_session"]
    otp = phone.read_code()

    answers = together(8, lambda: Phone(phone.app, phone.app.test_client()).prove(auth_session, otp))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7


def test_guesses_at_once_count_one_by_one(phone: Phone) -> None:
    auth_session = phone.ask().json["auth_session"]
    wrong = f"{(int(phone.read_code()) + 1) % 1_000_000:06}"

    answers = together(8, lambda: Phone(phone.app, phone.app.test_client()).prove(auth_session, wrong))

    assert (
        sorted(answer.json["error"] for answer in answers)
        == ["insufficient_authorization"] * 4 + ["invalid_session"] * 4
    )


def test_a_refresh_gives_the_next_token(phone: Phone, watch: Watch) -> None:
    first = phone.sign_in()["refresh_token"]

    second = phone.refresh(first).json["refresh_token"]
    watch.move(seconds=31)
    third = phone.refresh(second).json["refresh_token"]

    assert len({first, second, third}) == 3


def test_eight_refreshes_at_once_make_one_successor(phone: Phone) -> None:
    token = phone.sign_in()["refresh_token"]

    answers = together(8, lambda: Phone(phone.app, phone.app.test_client()).refresh(token))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    with transaction() as session:
        assert session.scalars(select(TokenFamily.generation)).all() == [1]


def test_a_lost_answer_may_be_asked_for_again_within_half_a_minute(phone: Phone, watch: Watch) -> None:
    token = phone.sign_in()["refresh_token"]
    successor = phone.refresh(token).json["refresh_token"]

    watch.move(seconds=29)
    again = phone.refresh(token)

    assert again.json["refresh_token"] == successor
    assert phone.refresh(successor).status_code == 200


def test_a_token_that_comes_back_after_its_grace_ends_the_family(phone: Phone, watch: Watch) -> None:
    token = phone.sign_in()["refresh_token"]
    successor = phone.refresh(token).json["refresh_token"]

    watch.move(seconds=30)
    assert_refused(phone.refresh(token))

    assert_refused(phone.refresh(successor))
    assert revocations() == ["refresh_reused"]
    work.send_due(phone.app.extensions["gateways"], clock.now())
    with transaction() as session:
        told = [message.content["body"] for message in sandbox.kept(session, recipient=PHONE)]
    assert any("may have copied" in body for body in told)  # the customer learns of it


def test_a_token_two_steps_back_ends_the_family_at_once(phone: Phone) -> None:
    first = phone.sign_in()["refresh_token"]
    second = phone.refresh(first).json["refresh_token"]
    third = phone.refresh(second).json["refresh_token"]

    assert_refused(phone.refresh(first))

    assert_refused(phone.refresh(third))
    assert revocations() == ["refresh_reused"]


def test_a_token_from_long_ago_is_still_known_for_a_copy(phone: Phone) -> None:
    first = token = phone.sign_in()["refresh_token"]
    for _ in range(55):
        token = phone.refresh(token).json["refresh_token"]

    assert_refused(phone.refresh(first))

    assert_refused(phone.refresh(token))
    assert revocations() == ["refresh_reused"]


def test_a_stolen_token_ends_its_own_family_and_no_other(phone: Phone, watch: Watch) -> None:
    here, there = phone.sign_in()["refresh_token"], phone.sign_in()["refresh_token"]
    phone.refresh(here)
    watch.move(minutes=1)
    assert_refused(phone.refresh(here))

    assert phone.refresh(there).status_code == 200


def test_a_family_idles_out_after_thirty_days(phone: Phone, watch: Watch) -> None:
    used, idle = phone.sign_in()["refresh_token"], phone.sign_in()["refresh_token"]

    watch.move(days=30, seconds=-1)
    assert phone.refresh(used).status_code == 200
    watch.move(seconds=1)
    assert_refused(phone.refresh(idle))


def test_a_family_ends_after_half_a_year_however_busy(phone: Phone, watch: Watch) -> None:
    token = phone.sign_in()["refresh_token"]
    for _ in range(8):
        watch.move(days=20)
        token = phone.refresh(token).json["refresh_token"]

    watch.move(days=20, seconds=-1)
    token = phone.refresh(token).json["refresh_token"]
    watch.move(seconds=1)
    assert_refused(phone.refresh(token))


def test_a_suspended_customer_cannot_refresh(phone: Phone) -> None:
    token = phone.sign_in()["refresh_token"]
    with transaction() as session:
        customer_id = customers.by_phone(session, PHONE)
        assert customer_id
        suspending.set_status(session, "customer", customer_id, "suspended", actor="operator", now=clock.now())

    assert_refused(phone.refresh(token))


def test_signing_out_ends_the_family(phone: Phone) -> None:
    token = phone.sign_in()["refresh_token"]

    assert phone.post("/oauth/revoke", token=token).status_code == 200

    assert_refused(phone.refresh(token))
    assert phone.post("/oauth/revoke", token=token).status_code == 200
    assert revocations() == ["signed_out"]


def test_revoking_nonsense_is_no_error(phone: Phone) -> None:
    for nonsense in ("☃", "x", "a.b.c", "pf_rt_" + "A" * 91):
        assert phone.post("/oauth/revoke", token=nonsense).status_code == 200


def test_revoking_an_access_token_ends_what_it_came_with(phone: Phone) -> None:
    tokens = phone.sign_in()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert phone.client.get("/app/v1/me", headers=bearer).status_code == 200

    assert phone.post("/oauth/revoke", token=tokens["access_token"]).status_code == 200

    assert phone.client.get("/app/v1/me", headers=bearer).status_code == 401
    assert_refused(phone.refresh(tokens["refresh_token"]))


def test_nonsense_is_an_invalid_grant(phone: Phone) -> None:
    for nonsense in ("x", "☃", "x" * 5000):
        assert_refused(phone.refresh(nonsense))
        assert_refused(phone.redeem(nonsense))


def test_families_are_forgotten_when_nothing_can_come_of_them(phone: Phone, watch: Watch) -> None:
    from auth.work import sweep

    phone.sign_in()
    watch.move(days=180, seconds=-1)
    sweep(watch.now)
    with transaction() as session:
        assert len(session.scalars(select(TokenFamily.id)).all()) == 1

    watch.move(seconds=1)
    sweep(watch.now)

    with transaction() as session:
        assert session.scalars(select(TokenFamily.id)).all() == []
