"""Staff, merchants, stores and terminals, by function and by command."""

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from flask import Flask
from sqlalchemy import select, text

from app.wiring import COMMANDS
from auth import merchants, staff, tokens
from auth.errors import EmailInvalid, PermissionInvalid, PublicKeyInvalid, PublicKeyTaken, StaffExists, StoreExists
from auth.models import Staff, Terminal
from core import clock
from core.audit import AuditEntry
from core.db import transaction
from core.errors import NotFound

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def store_id(database: None) -> UUID:
    with transaction() as session:
        merchant = merchants.add_merchant(session, name="Corner", now=NOW)
        return merchants.add_store(session, merchant_id=merchant.id, name="High Street", reference="7", now=NOW).id


def add_terminal(store_id: UUID, public_key: str) -> Terminal:
    with transaction() as session:
        return merchants.add_terminal(session, store_id=store_id, name="Till 1", public_key=public_key, now=NOW)


@pytest.mark.parametrize("make", [ed25519.Ed25519PrivateKey.generate, lambda: ec.generate_private_key(ec.SECP256R1())])
def test_a_terminal_stands_in_its_store(store_id: UUID, make: object) -> None:
    terminal = add_terminal(store_id, pem(make()))  # type: ignore[operator]

    with transaction() as session:
        till = merchants.till_of(session, terminal.id)
    assert (till.store_id, till.is_active) == (store_id, True)
    principal = merchants.principal_of(till)
    assert (principal.name, principal.merchant_id) == (f"terminal:{terminal.id}", till.merchant_id)


def test_keys_of_other_kinds_are_refused(store_id: UUID) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    bad = [
        "", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", secret,
        pem(ec.generate_private_key(ec.SECP384R1())), pem(rsa.generate_private_key(65537, 2048)),
    ]  # fmt: skip

    for key in bad:
        with pytest.raises(PublicKeyInvalid):
            add_terminal(store_id, key)


def test_two_terminals_cannot_share_a_key(store_id: UUID) -> None:
    key = pem(ed25519.Ed25519PrivateKey.generate())
    add_terminal(store_id, key)

    with pytest.raises(PublicKeyTaken):
        add_terminal(store_id, key.replace("\n", "\r\n"))


def test_places_hang_together(store_id: UUID) -> None:
    with transaction() as session, pytest.raises(NotFound):
        merchants.add_store(session, merchant_id=uuid4(), name="Nowhere", now=NOW)
    with pytest.raises(NotFound):
        add_terminal(uuid4(), pem(ed25519.Ed25519PrivateKey.generate()))
    with transaction() as session:
        merchant_id = session.scalar(text("SELECT merchant_id FROM auth.store"))
    with pytest.raises(StoreExists), transaction() as session:
        merchants.add_store(session, merchant_id=merchant_id, name="Again", reference="7", now=NOW)


@pytest.mark.parametrize("table", ["terminal", "store", "merchant"])
def test_a_terminal_is_active_while_all_above_it_are(store_id: UUID, table: str) -> None:
    terminal = add_terminal(store_id, pem(ed25519.Ed25519PrivateKey.generate()))
    with transaction() as session:
        session.execute(text(f"UPDATE auth.{table} SET status = 'suspended'"))

    with transaction() as session:
        assert not merchants.till_of(session, terminal.id).is_active


def add_person(email: str = "Ada@Example.com", *permissions: str) -> Staff:
    with transaction() as session:
        return staff.add(session, email=email, name="Ada L.", permissions=permissions, now=NOW)


@pytest.mark.usefixtures("database")
def test_a_person_is_found_by_address_and_told_by_nothing_at_rest() -> None:
    person = add_person("Ada@Example.com", "campaigns:write", "campaigns:read", "campaigns:read")

    with transaction() as session:
        assert staff.by_email(session, " ada@example.COM").id == person.id
        assert staff.name_of(session, person.id) == "Ada L."
        at_rest = str(session.execute(text("SELECT s::text FROM auth.staff s")).scalar_one())
    assert person.permissions == ["campaigns:read", "campaigns:write"]
    for secret in ("example", "Ada L", b"ada@example.com".hex(), b"Ada L".hex()):
        assert secret not in at_rest


@pytest.mark.usefixtures("database")
def test_an_address_belongs_to_one_person() -> None:
    add_person("ada@example.com")

    with pytest.raises(StaffExists):
        add_person("ADA@example.com")


@pytest.mark.usefixtures("database")
def test_what_is_no_address_or_permission_is_refused() -> None:
    odd = ("a@[.com", "<ada@example.com>", "ada,eve@example.com")
    for email in ("", "ada", "ada@", "ada@example", "a@b@example.com", "ada @example.com", "ada@example.com\0", *odd):
        with pytest.raises(EmailInvalid):
            add_person(email)
    for permission in ("", "All", "campaigns:", "*", "a b"):
        with pytest.raises(PermissionInvalid):
            add_person("ada@example.com", permission)


def run(app: Flask, *words: str) -> Result:
    command = next(command for command in COMMANDS if command.name == words[0])
    return app.test_cli_runner().invoke(command, list(words[1:]))


def test_the_commands_set_up_a_till_and_mint_its_token(app: Flask, tmp_path: Path) -> None:
    key = tmp_path / "till.pem"
    key.write_text(pem(ed25519.Ed25519PrivateKey.generate()))

    merchant = run(app, "merchant", "add", "--name", "Corner").output.strip()
    store = run(app, "store", "add", "--merchant", merchant, "--name", "High Street").output.strip()
    terminal = run(app, "terminal", "add", "--store", store, "--name", "Till 1", "--public-key", str(key))
    token = run(app, "token", "terminal", terminal.output.strip()).output.strip()

    principal = tokens.verify(token, tokens.MERCHANT, now=clock.now())
    assert (principal.id, principal.store_id) == (UUID(terminal.output.strip()), UUID(store))
    assert principal.merchant_id == UUID(merchant)
    with transaction() as session:
        assert session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all() == [
            "merchant.add",
            "store.add",
            "terminal.add",
        ]


def test_the_commands_add_a_person_and_mint_tokens(app: Flask) -> None:
    added = run(app, "staff", "add", "--email", "ada@example.com", "--name", "Ada", "--permission", "campaigns:write")
    token = run(app, "token", "staff", "ada@example.com").output.strip()

    principal = tokens.verify(token, tokens.ADMIN, now=clock.now())
    assert (str(principal.id), principal.permissions) == (added.output.strip(), {"campaigns:write"})
    token = run(app, "token", "customer", "+12125550142").output.strip()
    me = app.test_client().get("/app/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json["phone"] == "+12125550142"


def test_a_command_that_is_refused_says_so_in_one_line(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_bytes(b"\xff\xfe")
    refused = [
        run(app, "token", "staff", "nobody@example.com"),
        run(app, "token", "customer", "12"),
        run(app, "token", "terminal", str(uuid4())),
        run(app, "store", "add", "--merchant", str(uuid4()), "--name", "x"),
        run(app, "staff", "add", "--email", "nobody", "--name", "x"),
        run(app, "terminal", "add", "--store", str(uuid4()), "--name", "x", "--public-key", str(tmp_path / "bad.pem")),
    ]

    for result in refused:
        assert result.exit_code == 1
        assert re.fullmatch(r"Error: [^\n]+\n", result.output), result.output


def test_no_token_is_minted_for_who_is_suspended(app: Flask) -> None:
    run(app, "staff", "add", "--email", "ada@example.com", "--name", "Ada")
    with transaction() as session:
        session.execute(text("UPDATE auth.staff SET status = 'suspended'"))

    assert run(app, "token", "staff", "ada@example.com").exit_code == 1


def test_production_mints_no_token_by_command(app: Flask) -> None:
    from dataclasses import replace

    app.extensions["settings"] = replace(app.extensions["settings"], environment="production")

    result = run(app, "token", "customer", "+12125550142")

    assert result.exit_code == 1
    with transaction() as session:
        assert session.scalars(text("SELECT id FROM auth.customer")).all() == []
