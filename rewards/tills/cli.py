"""`flask sandbox-merchant create|token`."""

import json
from pathlib import Path
from uuid import UUID

import click
from flask.cli import with_appcontext

from core import clock
from core.db import transaction
from core.errors import Refusal
from rewards.tills.sandbox import places, tokens
from rewards.tills.sandbox.places import Wish

_ACTOR = "operator"


@click.group("sandbox-merchant")
def sandbox_merchant() -> None:
    """Merchants for integrators to try tills with: nothing in them is real."""


@sandbox_merchant.command("create")
@click.option("--name", required=True)
@click.option("--public-key", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A PEM file of the till's: Ed25519 or P-256.")  # fmt: skip
@click.option("--time-zone", help="Where its stores stand, as Europe/London; else the brand's holds.")
@with_appcontext
def create(name: str, public_key: Path, time_zone: str | None) -> None:
    """Make one with a terminal, customers and vouchers; prints its ids as JSON."""
    try:
        wish = Wish(name=name, public_key=public_key.read_text(), time_zone=time_zone)
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{public_key} cannot be read as PEM") from error
    try:
        with transaction() as session:
            made = places.create(session, wish, actor=_ACTOR, now=clock.now())
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from refusal
    told = {"merchant_id": made.merchant_id, "store_id": made.store_id, "terminal_id": made.terminal_id}
    click.echo(json.dumps({name: str(identifier) for name, identifier in told.items()}))


@sandbox_merchant.command("token")
@click.argument("merchant_id", type=click.UUID)
@with_appcontext
def token(merchant_id: UUID) -> None:
    """Print a token of a sandbox's terminal, good for a day; in production, too."""
    try:
        with transaction() as session:
            minted, _ = tokens.mint(session, merchant_id, actor=_ACTOR, now=clock.now())
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from refusal
    click.echo(minted)


COMMANDS: list[click.Command] = [sandbox_merchant]
