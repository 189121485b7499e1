"""A proof works once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from auth import tokens
from auth.dpop import proofs, replays
from auth.dpop.proofs import KEPT, Proven
from core.db import connection_of, statement, transaction
from core.settings import Settings
from tests.auth.dpop.prover import Prover

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def proven(database: None) -> Proven:
    tokens.load_key(Settings(environment="test"))
    found = proofs.read(Prover().proof("POST", "/oauth/token", now=NOW), method="POST", path="/oauth/token", now=NOW)
    assert found
    return found


def take(proven: Proven) -> bool:
    with statement() as connection:
        return replays.take(connection, proven)


def test_a_proof_works_once(proven: Proven) -> None:
    assert (take(proven), take(proven)) == (True, False)


def test_of_eight_at_one_moment_one_works(proven: Proven) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(take, [proven] * 8)) == [False] * 7 + [True]


def test_in_a_transaction_it_is_used_with_what_it_allowed(proven: Proven) -> None:
    with pytest.raises(RuntimeError), transaction() as session:
        assert replays.take(connection_of(session), proven)
        raise RuntimeError

    assert take(proven)


def test_its_name_may_come_again_when_the_first_is_too_old(proven: Proven) -> None:
    take(proven)

    assert not take(replace(proven, until=proven.until + KEPT - timedelta(microseconds=1)))
    assert take(replace(proven, until=proven.until + KEPT))


def test_proofs_that_are_too_old_to_come_again_are_forgotten(proven: Proven) -> None:
    take(proven)

    with transaction() as session:
        assert replays.forget(session, now=NOW + KEPT - timedelta(seconds=1), most=10) == 0
        assert replays.forget(session, now=NOW + KEPT, most=10) == 1
