"""`flask rewards check`."""

import click
from flask.cli import with_appcontext

from core import consistency
from rewards import checks


@click.group("rewards")
def rewards() -> None:
    """Vouchers, and what tills did with them."""


@rewards.command("check")
@with_appcontext
def check() -> None:
    """Derive every counter, use and allocation again; names the first difference, with exit status 1."""
    with consistency.one_instant() as connection:
        difference = checks.first_difference(connection)
        looked = checks.count(connection)
    if difference is not None:
        click.echo(f"rewards NOT consistent: {difference}", err=True)
        raise SystemExit(1)
    click.echo(
        f"rewards consistent: {looked.vouchers} vouchers, {looked.redemptions} redemptions, "
        f"{looked.checkouts} checkouts, {looked.rollbacks} rollbacks"
    )


COMMANDS = [rewards]
