"""Staff join by an invitation and sign in by what they made then, over the pages, as a browser without scripts does."""

from auth import tokens
from auth.staff import roles
from core import clock
from tests.auth.conftest import Watch
from tests.auth.staff.conftest import Person


def test_who_was_invited_joins_with_an_authenticator_and_signs_in(ada: Person, watch: Watch) -> None:
    joined = ada.join_with_authenticator()
    watch.move(seconds=30)
    granted = ada.redeem(ada.sign_in_with_codes())

    assert (joined.status, joined.title, len(ada.recovery_codes)) == (200, "Keep your recovery codes", 10)
    assert granted.status_code == 200, granted.json
    principal = tokens.verify(granted.json["access_token"], tokens.ADMIN, now=clock.now())
    assert (principal.roles, principal.permissions) == ({"support"}, roles.SUPPORT | roles.SELF)
    assert (principal.acr, principal.client_id) == ("mfa", "pocketful-admin")
    assert granted.json["refresh_token"] and granted.json["id_token"]


def test_who_was_invited_joins_with_a_passkey_and_signs_in(ada: Person) -> None:
    joined = ada.join_with_passkey()
    granted = ada.redeem(ada.sign_in_with_passkey())

    assert (joined.status, joined.title) == (200, "Keep your recovery codes"), joined.text
    assert granted.status_code == 200, granted.json
    assert tokens.verify(granted.json["access_token"], tokens.ADMIN, now=clock.now()).acr == "phr"
