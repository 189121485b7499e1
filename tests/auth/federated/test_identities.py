"""Linking, finding and unlinking identities; and what Apple is asked for it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from auth import customers
from auth.federated import calls, identities
from auth.federated.checking import Claimed
from auth.federated.errors import IdentityExists, IdentityTaken
from auth.federated.models import FAILED, Identity, ProviderCall
from core.crypto import DataKey, blind_index
from core.db import transaction
from core.errors import NotFound
from tests.standins.identity_provider import CLIENT_IDS, IdentityProvider
from tests.standins.server import Behaviour

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADA, BOB = "+12125550142", "+12125550143"


@pytest.fixture(autouse=True)
def _open(database: None, provider: IdentityProvider) -> None:
    pass


def customer(number: str = ADA) -> UUID:
    with transaction() as session:
        return customers.sign_up(session, phone=number, locale=None, time_zone=None, now=NOW).id


def claimed(subject: str = "ada", provider: str = "apple") -> Claimed:
    index = blind_index("auth.identity", f"{provider}|{subject}")
    return Claimed(provider, CLIENT_IDS[provider], index, f"{subject}@example.com")


def link(customer_id: UUID, who: Claimed, code: str | None = None) -> Identity:
    with transaction() as session:
        return identities.link(session, customer_id, who, provider_code=code, now=NOW)


def unlink(customer_id: UUID, identity_id: UUID, now: datetime = NOW) -> None:
    with transaction() as session:
        identities.unlink(session, customer_id, identity_id, now=now)


def find(who: Claimed) -> UUID | None:
    with transaction() as session:
        return identities.find(session, who, now=NOW)


def waiting() -> list[ProviderCall]:
    with transaction() as session:
        return list(session.scalars(select(ProviderCall)))


def test_a_linked_identity_finds_its_customer() -> None:
    ada = customer()
    identity = link(ada, claimed())

    assert (find(claimed()), find(claimed("bob"))) == (ada, None)
    with transaction() as session:
        assert identities.email_of(session, identity) == "ada@example.com"


def test_linking_again_changes_nothing() -> None:
    ada = customer()

    assert link(ada, claimed()).id == link(ada, claimed()).id


def test_an_identity_is_one_customers() -> None:
    link(customer(), claimed())

    with pytest.raises(IdentityTaken):
        link(customer(BOB), claimed())


def test_a_customer_has_one_identity_of_a_provider() -> None:
    ada = customer()
    link(ada, claimed())

    with pytest.raises(IdentityExists):
        link(ada, claimed("another"))
    link(ada, claimed(provider="google"))


def test_of_two_who_link_at_one_moment_one_does() -> None:
    both = [customer(), customer(BOB)]

    def act(customer_id: UUID) -> bool:
        try:
            link(customer_id, claimed())
        except IdentityTaken:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, both)) == [False, True]


def test_who_has_unlinked_it_is_not_found_by_it_and_may_link_another() -> None:
    ada = customer()
    identity = link(ada, claimed())

    unlink(ada, identity.id)

    assert find(claimed()) is None
    link(ada, claimed("another"))


def test_another_customers_identity_is_not_there() -> None:
    identity = link(customer(), claimed())

    with pytest.raises(NotFound):
        unlink(customer(BOB), identity.id)
    with pytest.raises(NotFound):
        unlink(customer(), uuid4())


def test_apple_is_told_when_a_link_ends(provider: IdentityProvider) -> None:
    ada = customer()
    identity = link(ada, claimed(), provider.code())
    assert calls.call_due(NOW) == 1
    assert len(provider.tokens) == 1

    unlink(ada, identity.id)
    assert calls.call_due(NOW) == 1

    assert provider.tokens == set()
    assert [call.path for call in provider.calls] == ["/auth/token", "/auth/revoke"]
    assert waiting() == []
    with transaction() as session:
        assert session.scalars(select(DataKey.owner_id)).all() == [ada]


def test_a_link_that_ended_before_apple_answered_is_revoked_as_well(provider: IdentityProvider) -> None:
    ada = customer()
    identity = link(ada, claimed(), provider.code())
    unlink(ada, identity.id)

    calls.call_due(NOW)
    assert len(provider.tokens) == 1
    calls.call_due(NOW)

    assert (provider.tokens, waiting()) == (set(), [])


def test_erasing_a_customer_tells_apple_by_a_key_that_outlives_theirs(provider: IdentityProvider) -> None:
    from core import crypto

    ada = customer()
    link(ada, claimed(), provider.code())
    link(ada, claimed(provider="google"))
    calls.call_due(NOW)

    with transaction() as session:
        assert identities.drop_all(session, ada, NOW) == 2
        crypto.destroy_data_key(session, ada)
    calls.call_due(NOW)

    assert (provider.tokens, waiting()) == (set(), [])


def test_what_apple_fails_at_is_asked_again(provider: IdentityProvider) -> None:
    ada = customer()
    link(ada, claimed(), provider.code())
    provider.will(Behaviour("fail", status=503), Behaviour("fail", status=500), Behaviour("lose"))

    assert calls.call_due(NOW) == 1
    assert calls.call_due(NOW + timedelta(seconds=4)) == 0
    assert calls.call_due(NOW + timedelta(seconds=5)) == 1
    assert calls.call_due(NOW + timedelta(seconds=20)) == 1
    assert calls.call_due(NOW + timedelta(seconds=50)) == 1

    assert len(provider.tokens) == 1
    assert waiting() == []


def test_a_code_that_apple_refuses_is_dropped(provider: IdentityProvider) -> None:
    link(customer(), claimed(), "no code of theirs")

    calls.call_due(NOW)

    assert waiting() == []
    assert calls.call_due(NOW + timedelta(days=1)) == 0


def test_our_own_faults_are_asked_again_and_told_of_in_the_end(provider: IdentityProvider) -> None:
    ada = customer()
    identity = link(ada, claimed(), provider.code())
    calls.call_due(NOW)
    unlink(ada, identity.id)
    provider.will(*[Behaviour("refuse", code="invalid_client")] * 30)

    at = NOW
    while waiting()[0].state != FAILED:
        assert calls.call_due(at) <= 1
        at += timedelta(hours=12)

    assert timedelta(days=7) < at - NOW < timedelta(days=21)
    assert waiting()[0].last_error == "invalid_client"


def test_a_refusal_that_is_not_apples_drops_no_revocation(provider: IdentityProvider) -> None:
    ada = customer()
    identity = link(ada, claimed(), provider.code())
    calls.call_due(NOW)
    unlink(ada, identity.id)
    provider.will(Behaviour("fail", status=403))

    assert calls.call_due(NOW) == 1
    assert calls.call_due(NOW + timedelta(minutes=1)) == 1

    assert (provider.tokens, waiting()) == (set(), [])


def test_a_call_whose_worker_died_is_made_again(provider: IdentityProvider) -> None:
    from core import work

    link(customer(), claimed(), provider.code())
    with transaction() as session:
        work.claim(
            session,
            ProviderCall,
            waiting="waiting",
            leased="calling",
            limit=1,
            lease=timedelta(minutes=1),
            now=NOW,
        )

    assert calls.call_due(NOW + timedelta(seconds=59)) == 0
    assert calls.call_due(NOW + timedelta(seconds=60)) == 1
    assert len(provider.tokens) == 1


def test_without_a_key_for_apple_no_code_is_kept(provider: IdentityProvider) -> None:
    from dataclasses import replace

    from auth.federated import providers
    from tests.auth.federated.conftest import set_up

    providers.load(replace(set_up(provider.url), apple_private_key=""))

    link(customer(), claimed(), provider.code())

    assert waiting() == []
