"""Authenticator apps (RFC 6238), and recovery codes for who has lost theirs."""

import re
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import zxingcpp
from PIL import Image

from auth import staff
from auth.customer_codes import one_time_password
from auth.staff import recovery_codes, totp
from core.db import transaction
from core.web.pictures import qr_svg

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STEP = timedelta(seconds=30)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
     (2000000000, "69279037"), (20000000000, "65353130")],
)  # fmt: skip
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    secret = b"12345678901234567890"  # RFC 6238, appendix B

    assert one_time_password(secret, seconds // 30, digits=8, digest="sha1") == code
    assert totp.code_at(secret, datetime.fromtimestamp(seconds, UTC)) == code[-6:]


@pytest.fixture
def staff_id(database: None) -> UUID:
    with transaction() as session:
        return staff.add(session, email="ada@example.com", name="Ada", now=NOW).id


@pytest.fixture
def secret(staff_id: UUID) -> bytes:
    """An authenticator that was set up two minutes ago."""
    before = NOW - 4 * STEP
    with transaction() as session:
        secret = totp.offer(session, staff_id)
        assert totp.accept(session, staff_id, totp.code_at(secret, before), now=before)
    return secret


def prove(staff_id: UUID, code: str, now: datetime = NOW) -> bool:
    with transaction() as session:
        return totp.prove(session, staff_id, code, now=now)


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_step_either_side_is_let_through(staff_id: UUID, secret: bytes, steps: int, is_right: bool) -> None:
    assert prove(staff_id, totp.code_at(secret, NOW + steps * STEP)) is is_right


def test_a_step_works_once_and_none_before_it_after(staff_id: UUID, secret: bytes) -> None:
    shown = totp.code_at(secret, NOW)

    assert prove(staff_id, shown)
    assert not prove(staff_id, shown)
    assert not prove(staff_id, totp.code_at(secret, NOW - STEP))
    assert prove(staff_id, totp.code_at(secret, NOW + STEP))


def test_of_many_who_show_one_code_at_once_one_is_let_in(staff_id: UUID, secret: bytes) -> None:
    shown, right = totp.code_at(secret, NOW), list[bool]()
    threads = [threading.Thread(target=lambda: right.append(prove(staff_id, shown))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(right), sum(right)) == (10, 1)


@pytest.mark.parametrize("code", ["", "1", "123456", "1234567", "١٢٣٤٥٦", "a" * 100])
def test_what_is_no_code_is_refused(staff_id: UUID, secret: bytes, code: str) -> None:
    assert totp.code_at(secret, NOW) != "123456"
    assert not prove(staff_id, code)


def test_an_authenticator_signs_in_only_once_its_first_code_was_shown(staff_id: UUID) -> None:
    with transaction() as session:
        secret = totp.offer(session, staff_id)
        assert totp.offer(session, staff_id) == secret  # the page is opened again
        assert not totp.prove(session, staff_id, totp.code_at(secret, NOW), now=NOW)
        assert not totp.has_one(session, staff_id)


def test_its_picture_is_read_by_another_reader() -> None:
    told = totp.uri(b"12345678901234567890", issuer="Pocketful & Co", account="ada@example.com")

    drawn = qr_svg(told, label="QR code")

    side = int(re.search(r'viewBox="0 0 (\d+)', drawn)[1])  # type: ignore[index]
    picture = Image.new("L", (side, side), 255)
    for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", drawn):
        picture.putpixel((int(x), int(y)), 0)
    [read] = zxingcpp.read_barcodes(picture.resize((side * 4, side * 4), Image.Resampling.NEAREST))
    assert read.text == told
    assert told == (
        "otpauth://totp/Pocketful%20%26%20Co:ada@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=Pocketful%20%26%20Co&algorithm=SHA1&digits=6&period=30"
    )


def test_each_recovery_code_works_once_however_it_is_typed(staff_id: UUID) -> None:
    with transaction() as session:
        first, second, *_ = recovery_codes.make(session, staff_id)

    with transaction() as session:
        assert recovery_codes.use(session, staff_id, first, now=NOW)
        assert not recovery_codes.use(session, staff_id, first, now=NOW)
        assert recovery_codes.use(session, staff_id, second.replace("-", " ").lower(), now=NOW)
        assert recovery_codes.left(session, staff_id) == recovery_codes.COUNT - 2
        assert not recovery_codes.use(session, staff_id, "", now=NOW)


def test_new_recovery_codes_take_the_place_of_the_old_ones_and_are_nobody_elses(staff_id: UUID) -> None:
    with transaction() as session:
        old = recovery_codes.make(session, staff_id)[0]
        new = recovery_codes.make(session, staff_id)[0]
        other = staff.add(session, email="eve@example.com", name="Eve", now=NOW).id

    with transaction() as session:
        assert not recovery_codes.use(session, staff_id, old, now=NOW)
        assert not recovery_codes.use(session, other, new, now=NOW)
        assert recovery_codes.use(session, staff_id, new, now=NOW)
