"""`flask staff|merchant|store|terminal add` and, for development, `flask token`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from auth import customers, merchants, tokens
from auth import staff as persons
from auth.models import ACTIVE
from core import audit, clock
from core.db import transaction
from core.errors import Refusal
from core.web.principals import Principal

_CLIENT = "command-line"


@click.group("staff")
def staff() -> None:
    """The persons who may use the staff door."""


@staff.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--permission", "permissions", multiple=True, help="May be given many times.")
def staff_add(email: str, name: str, permissions: tuple[str, ...]) -> None:
    """Add a person; prints the id."""
    with _deed() as session:
        person = persons.add(session, email=email, name=name, permissions=permissions, now=clock.now())
        _record(session, "staff.add", f"staff:{person.id}", {"permissions": person.permissions})
    click.echo(person.id)


@click.group("merchant")
def merchant() -> None:
    """Partner merchants."""


@merchant.command("add")
@click.option("--name", required=True)
def merchant_add(name: str) -> None:
    """Add a merchant; prints the id."""
    with _deed() as session:
        added = merchants.add_merchant(session, name=name, now=clock.now())
        _record(session, "merchant.add", f"merchant:{added.id}", {"name": name})
    click.echo(added.id)


@click.group("store")
def store() -> None:
    """The merchants' stores."""


@store.command("add")
@click.option("--merchant", "merchant_id", required=True, type=click.UUID)
@click.option("--name", required=True)
@click.option("--reference", help="The merchant's own number for it.")
@click.option("--time-zone", help="Where it stands, as Europe/London; else the brand's holds.")
def store_add(merchant_id: UUID, name: str, reference: str | None, time_zone: str | None) -> None:
    """Add a store; prints the id."""
    with _deed() as session:
        added = merchants.add_store(
            session, merchant_id=merchant_id, name=name, reference=reference, time_zone=time_zone, now=clock.now()
        )
        _record(session, "store.add", f"store:{added.id}", {"merchant_id": str(merchant_id), "name": name})
    click.echo(added.id)


@click.group("terminal")
def terminal() -> None:
    """The tills in the stores."""


@terminal.command("add")
@click.option("--store", "store_id", required=True, type=click.UUID)
@click.option("--name", required=True)
@click.option("--public-key", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A PEM file: Ed25519 or P-256.")  # fmt: skip
def terminal_add(store_id: UUID, name: str, public_key: Path) -> None:
    """Add a terminal with its public key; prints the id."""
    try:
        pem = public_key.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{public_key} cannot be read as PEM") from error
    with _deed() as session:
        added = merchants.add_terminal(session, store_id=store_id, name=name, public_key=pem, now=clock.now())
        _record(session, "terminal.add", f"terminal:{added.id}", {"store_id": str(store_id), "name": name})
    click.echo(added.id)


@click.group("token")
def token() -> None:
    """Mint an access token, on a developer's machine only."""


_MINUTES = click.option("--minutes", default=60, show_default=True, type=click.IntRange(1, 1440))


@token.command("customer")
@click.argument("phone")
@_MINUTES
@with_appcontext
def token_customer(phone: str, minutes: int) -> None:
    """A token for the customer of a phone number, who is signed up if new."""
    with _minting() as session:
        customer = customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=clock.now())
        _refuse_suspended(customer.status == ACTIVE)
        principal = Principal(kind="customer", id=customer.id)
    _print(principal, tokens.APP, minutes)


@token.command("staff")
@click.argument("email")
@_MINUTES
@with_appcontext
def token_staff(email: str, minutes: int) -> None:
    """A token for a person, with the permissions that they hold now."""
    with _minting() as session:
        person = persons.by_email(session, email)
        _refuse_suspended(person.status == ACTIVE)
        principal = persons.principal_of(person)
    _print(principal, tokens.ADMIN, minutes)


@token.command("terminal")
@click.argument("terminal_id", type=click.UUID)
@_MINUTES
@with_appcontext
def token_terminal(terminal_id: UUID, minutes: int) -> None:
    """A token for a terminal, bound to its store and merchant."""
    with _minting() as session:
        till = merchants.till_of(session, terminal_id)
        _refuse_suspended(till.is_active)
        principal = merchants.principal_of(till)
    _print(principal, tokens.MERCHANT, minutes)


COMMANDS: list[click.Command] = [staff, merchant, store, terminal, token]


@contextmanager
def _deed() -> Iterator[Session]:
    """One transaction, in which a refusal is told in one line."""
    try:
        with transaction() as session:
            yield session
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from refusal


@contextmanager
def _minting() -> Iterator[Session]:
    if current_app.extensions["settings"].is_production:
        raise click.ClickException("Tokens are not minted by command in production: sign in")
    with _deed() as session:
        yield session


def _refuse_suspended(is_active: bool) -> None:
    if not is_active:
        raise click.ClickException("This account is suspended")


def _print(principal: Principal, audience: str, minutes: int) -> None:
    now = clock.now()
    click.echo(tokens.mint(principal, audience=audience, client_id=_CLIENT, now=now, ttl=timedelta(minutes=minutes)))


def _record(session: Session, action: str, target: str, change: dict[str, object]) -> None:
    audit.record(session, actor="operator", action=action, target=target, change=change, now=clock.now())
