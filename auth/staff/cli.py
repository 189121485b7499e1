"""`flask staff`."""

import click

from auth import staff as persons
from auth.commands import deed, record
from core import clock


@click.group("staff")
def staff() -> None:
    """The persons who may use the staff door."""


@staff.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--permission", "permissions", multiple=True, help="May be given many times.")
def staff_add(email: str, name: str, permissions: tuple[str, ...]) -> None:
    """Add a person; prints the id."""
    with deed() as session:
        person = persons.add(session, email=email, name=name, permissions=permissions, now=clock.now())
        record(session, "staff.add", f"staff:{person.id}", {"permissions": person.permissions})
    click.echo(person.id)
