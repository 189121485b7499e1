"""Who has shown just now who they are, and how strongly."""

from datetime import timedelta

import pytest

from auth.passkeys import registering
from auth.proofs import MULTI_FACTOR, ONE_FACTOR, PHISHING_RESISTANT, Owner
from auth.step_up import demands
from auth.step_up.errors import StepUpRequired
from core.db import transaction
from core.web.principals import Principal
from tests.auth.authenticator import Authenticator
from tests.auth.passkeys.conftest import NOW, added, owner_of


def is_let_on(
    owner: Owner, acr: str, *, seconds: int = 0, at_least: str | None = None, max_age: int = demands.FRESH_SECONDS
) -> bool:
    signed_in = int((NOW - timedelta(seconds=seconds)).timestamp())
    kind = "staff" if owner.staff_id else "customer"
    principal = Principal(kind, owner.id, auth_time=signed_in, acr=acr)  # type: ignore[arg-type]
    try:
        with transaction() as session:
            demands.demand(session, principal, now=NOW, at_least=at_least, max_age=max_age)
    except StepUpRequired:
        return False
    return True


@pytest.fixture
def ada(database: None) -> Owner:
    return owner_of("+12125550142")


@pytest.mark.parametrize(("seconds", "max_age", "expected"), [(300, 300, True), (301, 300, False), (60, 59, False)])
def test_a_sign_in_is_fresh_for_so_long(ada: Owner, seconds: int, max_age: int, expected: bool) -> None:
    assert is_let_on(ada, ONE_FACTOR, seconds=seconds, max_age=max_age) is expected


@pytest.mark.parametrize(
    ("acr", "at_least", "expected"),
    [
        (ONE_FACTOR, ONE_FACTOR, True),
        (ONE_FACTOR, MULTI_FACTOR, False),
        (MULTI_FACTOR, MULTI_FACTOR, True),
        (MULTI_FACTOR, PHISHING_RESISTANT, False),
        (PHISHING_RESISTANT, MULTI_FACTOR, True),
        ("", ONE_FACTOR, False),
        ("unheard of", ONE_FACTOR, False),
    ],
)
def test_a_stronger_proof_is_taken_for_a_weaker_one(ada: Owner, acr: str, at_least: str, expected: bool) -> None:
    assert is_let_on(ada, acr, at_least=at_least) is expected


def test_who_has_a_passkey_is_asked_for_it_unless_told(ada: Owner) -> None:
    assert is_let_on(ada, ONE_FACTOR)
    added(ada, Authenticator())

    assert not is_let_on(ada, ONE_FACTOR)
    assert is_let_on(ada, ONE_FACTOR, at_least=ONE_FACTOR)
    assert is_let_on(ada, PHISHING_RESISTANT)


def test_another_owners_passkey_is_asked_of_nobody_else(ada: Owner) -> None:
    added(owner_of("+12125550143"), Authenticator())

    assert is_let_on(ada, ONE_FACTOR)
    with transaction() as session:
        assert registering.of(session, ada) == []
