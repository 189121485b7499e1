"""The key-encryption key changes while two others go on sealing and opening."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from core import crypto, ids
from core.crypto import wrapping
from core.db import connection_of, transaction
from core.errors import ConfigurationError
from core.settings import Settings

PLACE = "auth.customer.phone"

#: A process of its own, which seals and opens for as long as it is not told to stop.
AT_WORK = """
import sys
from dataclasses import replace
from uuid import UUID
from core import crypto, db, ids
from core.db import transaction
from core.settings import Settings

settings = replace(Settings(environment="test"), database_url=sys.argv[1], key_encryption_keys=sys.argv[2],
                   wrapping_key_version=int(sys.argv[3]))
db.open_database(settings)
crypto.load_keys(settings)
owners = [UUID(text) for text in sys.argv[4:]]
print("ready", flush=True)
rounds = 0
while rounds < 15:
    for owner in owners:
        crypto.forget_cached()
        with transaction() as session:
            row = ids.new()
            sealed = crypto.seal(session, owner_id=owner, place="auth.customer.phone", row_id=row, text="+12025550142")
            crypto.forget_cached()
            text = crypto.unseal(session, owner_id=owner, place="auth.customer.phone", row_id=row, ciphertext=sealed)
            assert text == "+12025550142"
            crypto.create_data_keys(session, [ids.new()])
    rounds += 1
print("done", flush=True)
"""


def key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def both(settings: Settings) -> Iterator[Settings]:
    old = settings.key_encryption_keys
    yield replace(settings, key_encryption_keys=f"{old},2:{key()}")
    crypto.load_keys(settings)


def owners_of(count: int) -> list[UUID]:
    owners = [ids.new() for _ in range(count)]
    with transaction() as session:
        crypto.create_data_keys(session, owners)
    return owners


def versions() -> dict[int, int]:
    with transaction() as session:
        return wrapping.wrapped_by(connection_of(session))


def rewrap_all(most: int = 500) -> int:
    count = 0
    while True:
        with transaction() as session:
            done = wrapping.rewrap(connection_of(session), most=most)
        if not done:
            return count
        count += done


def test_what_was_sealed_opens_once_the_old_key_is_gone(database: None, both: Settings) -> None:
    [owner] = owners_of(1)
    row = ids.new()
    with transaction() as session:
        sealed = crypto.seal(session, owner_id=owner, place=PLACE, row_id=row, text="+12025550142")
    crypto.load_keys(both)

    assert rewrap_all() == 1
    assert rewrap_all() == 0

    crypto.load_keys(replace(both, key_encryption_keys=both.key_encryption_keys.partition(",")[2]))
    with transaction() as session:
        opened = crypto.unseal(session, owner_id=owner, place=PLACE, row_id=row, ciphertext=sealed)
    assert (opened, versions()) == ("+12025550142", {2: 1})


def test_it_goes_on_where_it_was_broken_off(database: None, both: Settings) -> None:
    owners_of(5)
    crypto.load_keys(both)
    with transaction() as session:
        wrapping.rewrap(connection_of(session), most=2)

    assert versions() == {1: 3, 2: 2}
    assert rewrap_all(most=2) == 3


def test_a_version_may_wait_until_every_process_has_it(database: None, both: Settings) -> None:
    crypto.load_keys(replace(both, wrapping_key_version=1))
    owners_of(2)

    assert versions() == {1: 2}


def test_a_version_that_nobody_has_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="WRAPPING_KEY_VERSION must be a version of KEY_ENCRYPTION_KEYS"):
        Settings.from_env({"KEY_ENCRYPTION_KEYS": f"1:{key()}", "WRAPPING_KEY_VERSION": "2"})


def test_two_processes_seal_and_open_while_the_keys_are_wrapped_anew(database: None, both: Settings) -> None:
    owners = owners_of(200)
    told = [str(owner) for owner in owners[:4]]
    common = [sys.executable, "-c", AT_WORK, both.database_url, both.key_encryption_keys]
    running = [
        subprocess.Popen([*common, version, *told], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for version in ("1", "0")
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    crypto.load_keys(both)

    count = rewrap_all(most=10)
    ended = [process.communicate(timeout=60) for process in running]
    count += rewrap_all()

    assert [(out, err) for out, err in ended] == [("done\n", ""), ("done\n", "")]
    assert count >= 200
    assert set(versions()) == {2}
