"""For development, `flask token`: an access token without signing in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from auth import customers, merchants, tokens
from auth import staff as persons
from auth.commands import deed
from auth.models import ACTIVE
from auth.proofs import ONE_FACTOR
from core import clock
from core.web.principals import Principal

_CLIENT = "command-line"


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
        # As though by a texted code just now, so that what asks for a fresh sign-in can be tried.
        signed_in = int(clock.now().timestamp())
        principal = Principal(kind="customer", id=customer.id, auth_time=signed_in, acr=ONE_FACTOR)
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


@contextmanager
def _minting() -> Iterator[Session]:
    if current_app.extensions["settings"].is_production:
        raise click.ClickException("Tokens are not minted by command in production: sign in")
    with deed() as session:
        yield session


def _refuse_suspended(is_active: bool) -> None:
    if not is_active:
        raise click.ClickException("This account is suspended")


def _print(principal: Principal, audience: str, minutes: int) -> None:
    now = clock.now()
    click.echo(tokens.mint(principal, audience=audience, client_id=_CLIENT, now=now, ttl=timedelta(minutes=minutes)))
