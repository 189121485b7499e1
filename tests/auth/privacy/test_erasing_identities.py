"""Who signed in with Apple and deletes the account: Apple is told, though nothing of theirs opens any more."""

from sqlalchemy import select

from auth.federated import identities
from auth.federated.checking import Claimed
from auth.federated.models import Identity, ProviderCall
from core import clock, crypto
from core.crypto import blind_index
from core.db import transaction
from tests.auth.privacy.conftest import Account, work_off


def test_apples_grant_is_revoked_after_the_data_key_is_gone(account: Account) -> None:
    claimed = Claimed("apple", "app.pocketful", blind_index("auth.identity", "apple|ada"), "ada@example.com")
    with transaction() as session:
        identity = identities.link(session, account.customer_id, claimed, provider_code=None, now=clock.now())
        identity.grant_token = crypto.seal(
            session,
            owner_id=account.customer_id,
            place="auth.identity.grant_token",
            row_id=identity.id,
            text="apples-refresh-token",
        )

    account.erase()
    work_off()

    with transaction() as session:
        [call] = session.scalars(select(ProviderCall)).all()
        assert session.scalars(select(Identity)).all() == []
        told = crypto.unseal(
            session, owner_id=call.id, place="auth.provider_call.secret", row_id=call.id, ciphertext=call.secret
        )
    assert (call.kind, told) == ("revoke", "apples-refresh-token")
