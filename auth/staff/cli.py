"""`flask staff`."""

from collections.abc import Callable

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from auth import staff as people
from auth.commands import deed, record
from auth.models import ACTIVE, SUSPENDED, Staff
from auth.staff import persons
from auth.staff.roles import ROLES
from core import clock
from core.errors import NotFound
from core.settings import Settings

_ROLES = click.option(
    "--role", "roles", multiple=True, type=click.Choice(sorted(ROLES)), help="May be given many times."
)


@click.group("staff")
def staff() -> None:
    """The persons who may use the staff door."""


@staff.command("invite")
@click.option("--email", required=True)
@click.option("--name", required=True)
@_ROLES
@with_appcontext
def staff_invite(email: str, name: str, roles: tuple[str, ...]) -> None:
    """Mail somebody a link by which they join, or another one to who has not joined yet; prints the link, too."""
    now, settings = clock.now(), _settings()
    told = {"by": None, "brand_name": settings.brand_name, "address": settings.public_url, "now": now}
    with deed() as session:
        known = _known(session, email)
        if known is None:
            _, link = persons.invite(session, email=email, name=name, roles=roles, **told)  # type: ignore[arg-type]
        else:
            persons.set_roles(session, known.id, roles or known.roles, by=None, now=now)
            link = persons.invite_again(session, known.id, **told)  # type: ignore[arg-type]
    click.echo(link)


@staff.command("list")
@with_appcontext
def staff_list() -> None:
    """Who there is: id, status, roles, and what they were given beside them. The latest first."""
    with deed() as session:
        for person in persons.page(session, before=None, limit=1_000):
            given = [*person.roles, *(f"+{permission}" for permission in person.permissions)]
            click.echo(f"{person.id} {person.status} {people.email_of(session, person.id)} {' '.join(given)}".rstrip())


@staff.command("roles")
@click.argument("email")
@_ROLES
@with_appcontext
def staff_roles(email: str, roles: tuple[str, ...]) -> None:
    """Give somebody these roles and no others."""
    _change(email, lambda session, person: persons.set_roles(session, person.id, roles, by=None, now=clock.now()))


@staff.command("status")
@click.argument("email")
@click.argument("status", type=click.Choice([ACTIVE, SUSPENDED, persons.LEFT]))
@with_appcontext
def staff_status(email: str, status: str) -> None:
    """Suspend somebody, let them in again, or note that they have left."""
    _change(email, lambda session, person: persons.set_status(session, person.id, status, by=None, now=clock.now()))


@staff.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@_ROLES
@click.option("--permission", "permissions", multiple=True, help="Beside what roles give; may be given many times.")
def staff_add(email: str, name: str, roles: tuple[str, ...], permissions: tuple[str, ...]) -> None:
    """Add a person, for `flask token staff` in development; prints the id. Who is to sign in is invited instead."""
    with deed() as session:
        person = people.add(session, email=email, name=name, permissions=permissions, roles=roles, now=clock.now())
        record(session, "staff.add", f"staff:{person.id}", {"roles": person.roles, "permissions": person.permissions})
    click.echo(person.id)


def _change(email: str, change: Callable[[Session, Staff], Staff]) -> None:
    with deed() as session:
        change(session, people.by_email(session, email))


def _known(session: Session, email: str) -> Staff | None:
    try:
        return people.by_email(session, email)
    except NotFound:
        return None


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
