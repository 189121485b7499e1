"""The rotating code by which a till knows its customer."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import zxingcpp
from PIL import Image

from auth import customer_codes, customers
from auth.customer_codes import one_time_password
from auth.errors import CustomerCodeRefused
from core import crypto
from core.db import transaction
from tests.auth.conftest import Phone, Watch
from tests.suspending import suspend

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def customer_id(database: None) -> UUID:
    with transaction() as session:
        return customers.sign_up(session, phone="+12125550142", locale=None, time_zone=None, now=NOON).id


def code_at(customer_id: UUID, now: datetime = NOON) -> str:
    with transaction() as session:
        return customer_codes.current(session, customer_id, now=now)


def identify(code: str, now: datetime = NOON) -> UUID | None:
    try:
        with transaction() as session:
            return customer_codes.identify(session, code, now=now)
    except CustomerCodeRefused:
        return None


@pytest.mark.parametrize(
    ("seconds", "password"),
    [
        (59, "46119246"),
        (1111111109, "68084774"),
        (1111111111, "67062674"),
        (1234567890, "91819424"),
        (2000000000, "90698825"),
        (20000000000, "77737706"),
    ],
)
def test_the_vectors_of_rfc_6238_hold(seconds: int, password: str) -> None:
    """Appendix B, the SHA-256 column."""
    assert one_time_password(b"12345678901234567890123456789012", seconds // 30) == password


def test_a_code_tells_whose_it_is(customer_id: UUID) -> None:
    assert identify(code_at(customer_id)) == customer_id
    assert str(customer_id) not in code_at(customer_id)


def test_a_code_is_taken_however_a_scanner_spells_it(customer_id: UUID) -> None:
    assert identify(f" {code_at(customer_id).lower()}\n") == customer_id


def test_a_code_is_good_for_its_step_and_one_on_either_side(customer_id: UUID) -> None:
    code = code_at(customer_id)

    assert identify(code, NOON - timedelta(seconds=31)) is None
    assert identify(code, NOON + timedelta(seconds=60)) is None
    assert identify(code, NOON + timedelta(seconds=59)) == customer_id
    early = code_at(customer_id, NOON + timedelta(seconds=60))
    assert identify(early, NOON + timedelta(seconds=30)) == customer_id


def test_a_code_works_once(customer_id: UUID) -> None:
    code = code_at(customer_id)

    assert identify(code) == customer_id
    assert identify(code) is None


def test_a_used_step_takes_the_ones_before_it_along(customer_id: UUID) -> None:
    old = code_at(customer_id)
    new = code_at(customer_id, NOON + timedelta(seconds=30))

    assert identify(new, NOON + timedelta(seconds=30)) == customer_id
    assert identify(old, NOON + timedelta(seconds=30)) is None


def test_the_next_code_is_shown_as_soon_as_one_was_used(customer_id: UUID) -> None:
    used = code_at(customer_id)
    identify(used)

    following = code_at(customer_id)

    assert following != used
    assert identify(following) == customer_id


def test_no_code_is_shown_that_is_spent_already(customer_id: UUID) -> None:
    """A third one within half a minute has to wait for its time, but it comes."""
    for _ in range(2):
        assert identify(code_at(customer_id)) == customer_id

    third = code_at(customer_id)

    assert identify(third) is None
    assert identify(third, NOON + timedelta(seconds=30)) == customer_id


def test_a_code_is_free_again_when_what_it_was_for_failed(customer_id: UUID) -> None:
    code = code_at(customer_id)
    with pytest.raises(ZeroDivisionError), transaction() as session:
        customer_codes.identify(session, code, now=NOON)
        raise ZeroDivisionError

    assert identify(code) == customer_id


def test_one_code_eight_ways_at_once_is_taken_once(customer_id: UUID) -> None:
    code = code_at(customer_id)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: identify(code), range(8)))

    assert sorted(taken, key=str) == sorted([customer_id, *[None] * 7], key=str)


def test_a_first_code_asked_for_eight_ways_at_once_is_one_code(customer_id: UUID) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: code_at(customer_id), range(8)))) == 1


def test_codes_that_are_none_are_refused_alike(customer_id: UUID) -> None:
    code = code_at(customer_id)
    last = code[-1]
    for wrong in (
        "", "PF", code[:-1], code + "0", code[:-1] + str((int(last) + 1) % 10), "PF-" + "A" * 16 + code[-9:],
        code.replace(code[-8:], "١٢٣٤٥٦٧٨"), "x" * 10_000, "\0",
    ):  # fmt: skip
        assert identify(wrong) is None, wrong
    assert identify(code) == customer_id


def test_the_code_of_a_suspended_customer_is_refused(customer_id: UUID) -> None:
    code = code_at(customer_id)
    with transaction() as session:
        suspend(session, customer_id)

    assert identify(code) is None


def test_the_code_of_an_erased_customer_is_refused_like_any_other(customer_id: UUID) -> None:
    code = code_at(customer_id)
    with transaction() as session:
        crypto.destroy_data_key(session, customer_id)

    assert identify(code) is None


def test_the_app_shows_text_and_picture_of_one_code(phone: Phone, watch: Watch) -> None:
    header = {"Authorization": f"Bearer {phone.sign_in()['access_token']}"}
    watch.now = watch.now.replace(second=40)

    text = phone.client.get("/app/v1/code", headers=header)
    picture = phone.client.get("/app/v1/code.png", headers=header)

    assert text.json["seconds_left"] == 20
    assert text.headers["Cache-Control"] == picture.headers["Cache-Control"] == "no-store"
    assert picture.content_type == "image/png"
    drawn = Image.open(io.BytesIO(picture.data))
    assert [found.text for found in zxingcpp.read_barcodes(drawn)] == [text.json["text"]]
