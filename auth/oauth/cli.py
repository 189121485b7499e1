"""`flask client`."""

import click
from flask import current_app
from flask.cli import with_appcontext

from auth.commands import deed
from auth.oauth import clients, registering
from auth.oauth.errors import ClientInvalid
from core import clock


@click.group("client")
def client() -> None:
    """The apps and partners that may sign customers in."""


@client.command("add")
@click.option("--name", required=True)
@click.option("--kind", type=click.Choice([clients.APP, clients.PARTNER, clients.STAFF]), default=clients.PARTNER)
@click.option("--client-id", help="Made up when not given.")
@click.option(
    "--auth-method", type=click.Choice([clients.NO_SECRET, clients.BASIC, clients.POST]), default=clients.NO_SECRET
)
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="May be given many times.")
@click.option("--logout-uri", "logout_uris", multiple=True, help="May be given many times.")
@click.option("--back-channel-uri")
@click.option("--scope", "scopes", multiple=True, help="May be given many times.")
@click.option("--sector")
@click.option("--sso-group")
@with_appcontext
def client_add(**options: object) -> None:
    """Register a client; prints its id and, on a second line and never again, its secret if it has one."""
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items() if value}
    with deed() as session:
        try:
            row, secret = registering.add(
                session,
                given=given,
                made_by="operator",
                may_be_local=not current_app.extensions["settings"].is_production,
                now=clock.now(),
            )
        except ClientInvalid as invalid:
            faults = [f"{fault['pointer'].removeprefix('/')}: {fault['detail']}" for fault in invalid.facts["errors"]]
            raise click.ClickException(" ".join(faults)) from invalid
    click.echo(row.client_id)
    if secret:
        click.echo(secret)
