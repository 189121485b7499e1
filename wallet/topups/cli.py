"""`flask topups`: what a customer or a bank would do at the provider, done to the sandbox instead."""

from uuid import UUID

import click
from flask import current_app
from flask.cli import with_appcontext

from core import clock, ids
from core.db import transaction
from core.gateways import sandbox_payments
from wallet.topups import notices
from wallet.topups.models import Topup

#: What a notice says of itself for each word.
_TOLD = {
    "charged": {"kind": "charged"},
    "declined": {"kind": "declined", "code": "card_declined"},
    "refunded": {"kind": "refunded"},
    "disputed": {"kind": "disputed", "standing": "open"},
    "lost": {"kind": "disputed", "standing": "lost"},
    "won": {"kind": "disputed", "standing": "won"},
}


@click.group("topups")
def topups() -> None:
    """Top-ups in the sandbox."""


@topups.command("tell")
@click.argument("topup_id", type=click.UUID)
@click.argument("what", type=click.Choice(list(_TOLD)))
@click.option("--amount", type=click.IntRange(min=1), help="Minor units that went back, or are in dispute: all.")
@with_appcontext
def tell(topup_id: UUID, what: str, amount: int | None) -> None:
    """Have the sandbox send the notice that Stripe would: the customer paid in the sheet, their bank took money back.

    A dispute has one name for each top-up, so that `disputed` and then `won` are one.
    """
    gateway = current_app.extensions["gateways"].payments
    if gateway.name != sandbox_payments.SandboxPayments.name:
        raise click.ClickException("This deployment has a real payment provider: it tells us by itself.")
    with transaction() as session:
        topup = session.get(Topup, topup_id)
    if topup is None:
        raise click.ClickException("There is no such top-up.")

    told = _TOLD[what] | {
        "id": f"sandbox_{ids.new()}",
        "reference": str(topup_id),
        "provider_reference": topup.provider_reference,
        "amount_minor": amount or topup.amount_minor,
        "currency": topup.currency,
    }
    if told["kind"] == "disputed":
        told["dispute"] = f"sandbox_dispute_{topup_id}"
    body, headers = sandbox_payments.signed(told, at=clock.now())
    notices.take(gateway.notice(body, headers, at=clock.now()), provider=gateway.name, now=clock.now())

    with transaction() as session:
        topup = session.get_one(Topup, topup_id)
    click.echo(f"{topup_id} is {topup.state}, {topup.refunded_minor} {topup.currency} of it went back")
