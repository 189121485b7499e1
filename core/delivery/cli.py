"""`flask sandbox`: reading what would have gone to telephones."""

import json

import click

from core.db import transaction
from core.gateways.sandbox import kept


@click.group("sandbox")
def sandbox() -> None:
    """What channels without credentials were given."""


@sandbox.command("messages")
@click.option("--to", help="Only this phone number, e-mail address or device token.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
def messages(to: str | None, limit: int) -> None:
    """List the latest messages, the newest first."""
    with transaction() as session:
        found = kept(session, recipient=to, limit=limit)
    for message in found:
        text = json.dumps(message.content, ensure_ascii=False)
        click.echo(f"{message.created_at:%Y-%m-%dT%H:%M:%SZ} {message.channel} to {message.recipient}: {text}")
    if not found:
        click.echo(f"Nothing was sent to {to} yet." if to else "Nothing was sent yet.")
