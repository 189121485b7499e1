"""A backup from before an erasure opens for nobody: it is erased again before any door opens."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url

from app import start
from auth import customers
from auth.privacy import restoring, steps, tombstones
from core import clock, crypto, db
from core.db import connection_of, transaction
from core.errors import ConfigurationError
from core.postgres.embedded import BINARIES
from core.settings import Settings
from tests.auth.privacy.conftest import PHONE, Account, rows_of, sign_up, work_off


@pytest.fixture
def backup(account: Account, settings: Settings, tmp_path: Path) -> Path:
    """The database as it is while the customer is there."""
    place = tmp_path / "backup.sql"
    _run("pg_dump", "-f", str(place), "-d", settings.database_url)
    # Of a server that is older than the program, which sets what only newer ones have.
    place.write_text(place.read_text().replace("SET transaction_timeout = 0;\n", ""))
    return place


@pytest.fixture
def restored(settings: Settings, backup: Path, account: Account) -> Iterator[str]:
    """The account is deleted, and then the backup from before is restored as another database, which is opened."""
    url = account.erase().json["receipt_url"]
    work_off()
    name = f"restored_{make_url(settings.database_url).database}"[:63]
    with psycopg.connect(settings.database_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
    there = make_url(settings.database_url).set(database=name).render_as_string(hide_password=False)
    _run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", there, "-f", str(backup))
    options = db.CONNECTION_OPTIONS
    db.open_database(replace(settings, database_url=there))
    crypto.load_keys(settings)
    yield url
    db.close_database()
    db.CONNECTION_OPTIONS = options
    db.open_database(settings)
    with psycopg.connect(settings.database_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(program: str, *arguments: str) -> None:
    subprocess.run([str(Path(BINARIES) / program), *arguments], check=True, capture_output=True)


def test_a_restored_backup_is_erased_again_before_the_doors_open(account: Account, restored: str) -> None:
    with transaction() as session:
        assert customers.phone_of(session, account.customer_id) == PHONE  # the backup knows it all

    assert restoring.erase_again(clock.now()) == 1
    crypto.forget_cached()

    with transaction() as session, pytest.raises(crypto.Erased):
        customers.phone_of(session, account.customer_id)
    with transaction() as session:
        assert customers.by_phone(session, PHONE) is None
    assert rows_of("SELECT FROM core.data_key WHERE owner_id = %s", account.customer_id) == []
    assert account.receipt(restored)["status"] == "erasing"

    work_off()

    told = account.receipt(restored)
    assert (told["status"], told["receipt"] is not None) == ("erased", True)
    [row] = rows_of("SELECT parted FROM auth.erasure")
    assert row[0]["engage"] == {"journeys_left": 0}
    assert row[0]["wallet"] == {"lapsed": []}
    assert len(tombstones.read()) == 1
    assert restoring.erase_again(clock.now()) == 0


def test_whoever_is_not_in_the_register_stays(app: Flask, account: Account) -> None:
    other = sign_up(app, "+12025550192")
    account.erase()
    work_off()

    assert restoring.erase_again(clock.now()) == 0

    with transaction() as session:
        assert customers.phone_of(session, other.customer_id) == "+12025550192"


def test_a_restart_in_the_middle_of_an_erasure_goes_on_with_it(account: Account) -> None:
    url = account.erase().json["receipt_url"]
    while not tombstones.read():
        steps.work_off(clock.now())

    assert restoring.erase_again(clock.now()) == 0
    work_off()

    assert account.receipt(url)["status"] == "erased"


@pytest.mark.parametrize("harm", ["taken out", "changed", "cut off"])
def test_a_register_that_was_touched_keeps_the_house_shut(app: Flask, register: Path, harm: str) -> None:
    for number in range(3):
        sign_up(app, f"+1202555019{number}").erase()
        work_off()
    lines = register.read_text().splitlines(keepends=True)
    bent = {
        "taken out": [lines[0], lines[2]],
        "changed": [lines[0], lines[1].replace("customer:", "staff:"), lines[2]],
        "cut off": [lines[0], lines[1][:-20]],
    }[harm]
    register.write_text("".join(bent))

    with pytest.raises(ConfigurationError, match="ERASURE_REGISTER is damaged at line"):
        restoring.erase_again(clock.now())


def test_a_register_that_there_is_not_yet_names_nobody(database: None) -> None:
    assert restoring.erase_again(clock.now()) == 0
    with transaction() as session:
        assert connection_of(session).execute("SELECT count(*) FROM auth.erasure").fetchone() == (0,)


def test_the_house_does_not_open_over_a_damaged_register(account: Account, register: Path) -> None:
    account.erase()
    work_off()
    register.write_text("{}\n")

    with pytest.raises(ConfigurationError, match="line 1"):
        start.make_ready()


def test_the_house_erases_again_as_it_opens(account: Account, restored: str) -> None:
    start.make_ready()

    assert account.receipt(restored)["status"] == "erasing"
    assert rows_of("SELECT FROM core.data_key WHERE owner_id = %s", account.customer_id) == []
