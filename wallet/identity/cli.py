"""`flask identity verdict`: the sandbox's provider, played by a developer."""

from uuid import UUID

import click
from flask import current_app
from flask.cli import with_appcontext

from core import clock
from core.db import transaction
from core.gateways.identity import IdentityGateway, Notice, Standing, Verdict
from wallet import limits
from wallet.identity import checks
from wallet.identity.models import IdentityCheck


@click.group("identity")
def identity() -> None:
    """Identity checks."""


@identity.command("verdict")
@click.argument("check_id", type=click.UUID)
@click.argument("status", type=click.Choice(["approved", "rejected"]))
@click.option("--reason", "reasons", multiple=True, help="A code of a rejection; may be given many times.")
@with_appcontext
def verdict(check_id: UUID, status: str, reasons: tuple[str, ...]) -> None:
    """Decide a check that waits at the sandbox (document sandbox_review), as the provider's call-back would."""
    gateway: IdentityGateway = current_app.extensions["gateways"].identity
    with transaction() as session:
        check = session.get(IdentityCheck, check_id)
    if check is None or check.provider_reference is None:
        raise click.ClickException("no provider has such a check")
    if gateway.name != "sandbox" or check.provider != "sandbox":
        raise click.ClickException("this check is not at the sandbox: the provider decides it")

    decided = Verdict(status == "approved", reasons if status == "rejected" else ())
    checks.take(Notice(check_id, Standing(check.provider_reference, decided)), gateway=gateway, now=clock.now())
    with transaction() as session:
        shown, tier = session.get_one(IdentityCheck, check_id), limits.tier_of(session, check.customer_id)
    click.echo(f"{shown.state}; the customer's tier is {tier}")
