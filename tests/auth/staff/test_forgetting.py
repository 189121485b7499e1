"""What nobody can sign in or join with any more is forgotten, with the mails that told of it."""

from sqlalchemy import text

from auth.staff import work
from core import clock
from core.db import transaction
from tests.auth.conftest import Watch
from tests.auth.staff.conftest import Person, invite


def count(table: str) -> int:
    with transaction() as session:
        return int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def test_sign_ins_are_forgotten_a_day_after_their_code_is_over(ada: Person, watch: Watch) -> None:
    ada.join_with_authenticator()
    ada.have_code_mailed()
    Person(ada.app, "nobody@example.com").have_code_mailed()
    keys = count("core.data_key")
    watch.move(hours=24, minutes=9, seconds=59)
    work.sweep(clock.now())
    assert count("auth.staff_sign_in") == 2

    watch.move(seconds=1)
    work.sweep(clock.now())

    assert count("auth.staff_sign_in") == 0
    assert count("core.data_key") == keys - 2  # so that what was mailed opens for nobody


def test_invitations_are_forgotten_a_month_after_they_are_over(ada: Person, watch: Watch) -> None:
    invite("eve@example.com", "support")
    watch.move(days=32, hours=23)
    work.sweep(clock.now())
    assert count("auth.staff_invitation") == 2

    watch.move(hours=1)
    work.sweep(clock.now())

    assert count("auth.staff_invitation") == 0
