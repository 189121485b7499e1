"""`flask staff`."""

import click

from auth import staff as persons
from auth.commands import deed, record
from auth.staff.roles import ROLES
from core import clock


@click.group("staff")
def staff() -> None:
    """The persons who may use the staff door."""


@staff.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", "roles", multiple=True, type=click.Choice(sorted(ROLES)), help="May be given many times.")
@click.option("--permission", "permissions", multiple=True, help="Beside what roles give; may be given many times.")
def staff_add(email: str, name: str, roles: tuple[str, ...], permissions: tuple[str, ...]) -> None:
    """Add a person, for `flask token staff` in development; prints the id. Who is to sign in is invited instead."""
    with deed() as session:
        person = persons.add(session, email=email, name=name, permissions=permissions, roles=roles, now=clock.now())
        record(session, "staff.add", f"staff:{person.id}", {"roles": person.roles, "permissions": person.permissions})
    click.echo(person.id)
