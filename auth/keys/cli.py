"""`flask keys`: the keys that tokens are signed with."""

import click
from flask.cli import with_appcontext

from auth.commands import OPERATOR, deed
from auth.keys import rotating
from core import clock


@click.group("keys")
def keys() -> None:
    """Keys: those that tokens are signed with, and those that personal data is sealed by."""


@keys.command("list")
@with_appcontext
def keys_list() -> None:
    """The keys that sign tokens, or did: algorithm, status, since when, and the kid that the key set has."""
    with deed() as session:
        for row in rotating.list_(session):
            since = row.retired_at or row.current_from or row.published_at
            click.echo(f"{row.alg} {row.status:8} {since:%Y-%m-%d %H:%M} {row.kid}")


@keys.command("rotate")
@click.option("--now", "at_once", is_flag=True, help="Also by keys that clients may not know for up to an hour.")
@with_appcontext
def keys_rotate(at_once: bool) -> None:
    """Sign by the next keys from now on. Tokens that are out stay good; every process follows within half a minute."""
    with deed() as session:
        waiting = rotating.rotate(session, actor=OPERATOR, at_once=at_once, now=clock.now())
    for one in waiting:
        click.echo(
            f"{one.alg}: the next key is too new until {one.ready_at:%Y-%m-%d %H:%M} UTC (--now takes it at once)"
        )
    if at_once:
        click.echo("Clients may have kept the former key set for up to an hour, and refuse what is signed until then.")


@keys.command("withdraw")
@click.argument("kid")
@with_appcontext
def keys_withdraw(kid: str) -> None:
    """Believe a retired key no more, for one that was stolen: rotate --now, then withdraw the former."""
    with deed() as session:
        rotating.withdraw(session, kid, actor=OPERATOR, now=clock.now())
