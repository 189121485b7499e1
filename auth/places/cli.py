"""`flask merchant|store|terminal add`, `flask terminal enrol|status`."""

from pathlib import Path
from uuid import UUID

import click

from auth import merchants
from auth.commands import deed, record
from auth.device_grants import deciding
from auth.device_grants.deciding import Wrong
from auth.device_grants.errors import UserCodeUnknown
from auth.places import suspending
from auth.statuses import ACTIVE, REVOKED, SUSPENDED
from core import clock


@click.group("merchant")
def merchant() -> None:
    """Partner merchants."""


@merchant.command("add")
@click.option("--name", required=True)
def merchant_add(name: str) -> None:
    """Add a merchant; prints the id."""
    with deed() as session:
        added = merchants.add_merchant(session, name=name, now=clock.now())
        record(session, "merchant.add", f"merchant:{added.id}", {"name": name})
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
    with deed() as session:
        added = merchants.add_store(
            session, merchant_id=merchant_id, name=name, reference=reference, time_zone=time_zone, now=clock.now()
        )
        record(session, "store.add", f"store:{added.id}", {"merchant_id": str(merchant_id), "name": name})
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
    with deed() as session:
        added = merchants.add_terminal(session, store_id=store_id, name=name, public_key=pem, now=clock.now())
        record(session, "terminal.add", f"terminal:{added.id}", {"store_id": str(store_id), "name": name})
    click.echo(added.id)


@terminal.command("enrol")
@click.option("--user-code", required=True, help="What the till shows.")
@click.option("--store", "store_id", required=True, type=click.UUID)
@click.option("--name", required=True)
def terminal_enrol(user_code: str, store_id: UUID, name: str) -> None:
    """Put the till that shows a code into a store; prints the id."""
    with deed() as session:
        found = deciding.waiting(session, user_code=user_code, who="operator", address="", now=clock.now())
        if isinstance(found, Wrong):
            raise UserCodeUnknown
        added = deciding.enrol(session, found, store_id=store_id, name=name, actor="operator", now=clock.now())
    click.echo(added.id)


@terminal.command("status")
@click.argument("terminal_id", type=click.UUID)
@click.argument("status", type=click.Choice([ACTIVE, SUSPENDED, REVOKED]))
def terminal_status(terminal_id: UUID, status: str) -> None:
    """Suspend a terminal within a second, let it in again, or revoke it for ever."""
    with deed() as session:
        suspending.set_status(session, "terminal", terminal_id, status, actor="operator", now=clock.now())
    click.echo(f"{terminal_id} is {status}")
