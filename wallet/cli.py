"""`flask wallet check` and `flask wallet in-doubt`."""

import click
from flask.cli import with_appcontext

from core import consistency
from core.db import transaction
from wallet import checks, topups
from wallet.finance import cli as finance
from wallet.finance import movement_commands
from wallet.seals import cli as seals


@click.group("wallet")
def wallet() -> None:
    """The ledger."""


@wallet.command("check")
@with_appcontext
def check() -> None:
    """Derive every balance, hold, lot and counter again; names the first difference, with exit status 1."""
    with consistency.one_instant() as connection:
        difference = checks.first_difference(connection)
        counted = checks.count(connection)
    if difference is not None:
        click.echo(f"ledger NOT balanced: {difference}", err=True)
        raise SystemExit(1)
    click.echo(
        f"ledger balanced: {counted.accounts} accounts, {counted.transfers} transfers, {counted.entries} entries"
    )


@wallet.command("in-doubt")
@click.option("--limit", default=100, show_default=True, help="How many to list.")
@with_appcontext
def in_doubt(limit: int) -> None:
    """List top-ups that the provider may have charged and is not asked about any more: look each up by its id there."""
    with transaction() as session:
        found = topups.given_up(session, limit=limit)
    for topup in found:
        amount = f"{topup.amount_minor} {topup.currency}"
        click.echo(f"{topup.id} {topup.created_at.isoformat()} {amount} {topup.principal}: {topup.last_error}")


for command in [*seals.COMMANDS, *finance.COMMANDS, *movement_commands.COMMANDS]:
    wallet.add_command(command)

COMMANDS = [wallet]
