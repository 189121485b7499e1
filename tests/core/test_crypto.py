"""Personal data opens for its owner, in its place and row, while the owner's key lives; and nowhere else."""

import base64
import os
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import crypto, ids
from core.crypto import Erased
from core.db import transaction
from core.settings import Settings

PHONE = "+12125550142"
PLACE = "auth.identity.phone"


@pytest.fixture
def owner(database: None) -> UUID:
    owner_id = ids.new()
    with transaction() as session:
        crypto.create_data_keys(session, [owner_id])
    return owner_id


@pytest.fixture
def keys_again(settings: Settings) -> Iterator[None]:
    yield
    crypto.load_keys(settings)


def seal(session: Session, owner: UUID, row: UUID) -> bytes:
    return crypto.seal(session, owner_id=owner, place=PLACE, row_id=row, text=PHONE)


def unseal(session: Session, owner: UUID, row: UUID, ciphertext: bytes, place: str = PLACE) -> str:
    return crypto.unseal(session, owner_id=owner, place=place, row_id=row, ciphertext=ciphertext)


def test_a_field_opens_in_its_place_and_nowhere_else(owner: UUID) -> None:
    row, other = ids.new(), ids.new()
    with transaction() as session:
        crypto.create_data_keys(session, [other])
        ciphertext = seal(session, owner, row)

        assert PHONE.encode() not in ciphertext
        assert seal(session, owner, row) != ciphertext, "the same text twice must not look the same"
        assert unseal(session, owner, row, ciphertext) == PHONE
        for wrong in (
            {"owner": other},
            {"row": ids.new()},
            {"place": "auth.identity.email"},
            {"ciphertext": ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])},
        ):
            with pytest.raises(Erased):
                unseal(session, **({"owner": owner, "row": row, "ciphertext": ciphertext} | wrong))  # type: ignore[arg-type]


def test_many_rows_are_sealed_by_one_look_at_the_key(owner: UUID) -> None:
    rows = ids.block(2_500)
    with transaction() as session:
        seal_row = crypto.sealer(session, owner_id=owner, place=PLACE)
        sealed = {row: seal_row(row, PHONE) for row in rows}

        assert all(unseal(session, owner, row, sealed[row]) == PHONE for row in rows)
        assert len({ciphertext[:12] for ciphertext in sealed.values()}) == len(rows), "a nonce never comes twice"
        with pytest.raises(Erased):
            unseal(session, owner, rows[0], sealed[rows[1]])
        with pytest.raises(Erased):
            crypto.sealer(session, owner_id=ids.new(), place=PLACE)


def test_a_destroyed_key_opens_nothing_any_more(owner: UUID) -> None:
    row = ids.new()
    with transaction() as session:
        ciphertext = seal(session, owner, row)
    with transaction() as session:
        crypto.destroy_data_key(session, owner)

    for attempt in (lambda s: unseal(s, owner, row, ciphertext), lambda s: seal(s, owner, row)):
        with pytest.raises(Erased), transaction() as session:
            attempt(session)


def test_a_key_that_was_rolled_back_seals_nothing_later(database: None, settings: Settings) -> None:
    owner, row = ids.new(), ids.new()
    with pytest.raises(ZeroDivisionError), transaction() as session:
        crypto.create_data_keys(session, [owner])
        seal(session, owner, row)
        raise ZeroDivisionError
    with transaction() as session:
        crypto.create_data_keys(session, [owner])
        ciphertext = seal(session, owner, row)

    crypto.load_keys(settings)  # as another process, which has nothing cached

    with transaction() as session:
        assert unseal(session, owner, row, ciphertext) == PHONE


def test_an_owner_keeps_its_first_key(owner: UUID, settings: Settings) -> None:
    row = ids.new()
    with transaction() as session:
        ciphertext = seal(session, owner, row)
    with transaction() as session:
        crypto.create_data_keys(session, [owner])
        assert unseal(session, owner, row, ciphertext) == PHONE


def test_a_new_version_wraps_new_keys_and_the_old_one_still_opens(
    owner: UUID, settings: Settings, keys_again: None
) -> None:
    row, younger = ids.new(), ids.new()
    with transaction() as session:
        ciphertext = seal(session, owner, row)
    new = base64.b64encode(os.urandom(32)).decode()
    rotated = replace(settings, key_encryption_keys=f"2:{new},{settings.key_encryption_keys}")

    crypto.load_keys(rotated)

    with transaction() as session:
        assert unseal(session, owner, row, ciphertext) == PHONE
        crypto.create_data_keys(session, [younger])
        rows = session.execute(text("SELECT owner_id, kek_version FROM core.data_key"))
        assert {row.owner_id: row.kek_version for row in rows} == {owner: 1, younger: 2}


def test_a_lost_version_is_told_and_never_taken_for_an_erasure(
    owner: UUID, settings: Settings, keys_again: None
) -> None:
    with transaction() as session:
        ciphertext = seal(session, owner, owner)
    crypto.load_keys(replace(settings, key_encryption_keys="2:" + base64.b64encode(os.urandom(32)).decode()))

    with pytest.raises(RuntimeError, match="lacks version 1"), transaction() as session:
        unseal(session, owner, owner, ciphertext)


def test_many_keys_come_with_one_query(database: None, settings: Settings) -> None:
    owners = [ids.new() for _ in range(50)]
    with transaction() as session:
        crypto.create_data_keys(session, owners)
        sealed = {owner: seal(session, owner, owner) for owner in owners}
    crypto.load_keys(settings)

    with transaction() as session:
        crypto.fetch_data_keys(session, owners)
        session.execute(text("DELETE FROM core.data_key"))  # nobody asks the table again
        session.expunge_all()
        assert all(unseal(session, owner, owner, sealed[owner]) == PHONE for owner in owners)
        session.rollback()


def test_a_blind_index_finds_by_purpose_and_tells_nothing(database: None, settings: Settings, keys_again: None) -> None:
    index = crypto.blind_index("phone", PHONE)

    assert index == crypto.blind_index("phone", PHONE)
    assert index == crypto.indexer("phone")(PHONE)
    assert len(index) == 32
    assert len({index, crypto.blind_index("code", PHONE), crypto.blind_index("phone", PHONE + "0")}) == 3
    crypto.load_keys(replace(settings, index_key=base64.b64encode(os.urandom(32)).decode()))
    assert crypto.blind_index("phone", PHONE) != index
