"""`flask keys rewrap` and `flask erasures`: what operators do for privacy by hand."""

import click
from flask.cli import with_appcontext

from auth.keys.cli import keys
from auth.privacy import tombstones
from auth.privacy.models import Erasure
from core.crypto import wrapping
from core.db import connection_of, transaction

#: Some ten milliseconds of a transaction.
_CHUNK = 500


@keys.command("rewrap")
@with_appcontext
def keys_rewrap() -> None:
    """Wrap every data key by the key-encryption key that wraps now (WRAPPING_KEY_VERSION, else the highest), while the
    doors are open. Broken off, it goes on where it was."""
    count = 0
    while done := _rewrap():
        count += done
    with transaction() as session:
        standing = wrapping.wrapped_by(connection_of(session))
    click.echo(f"{count} data keys wrapped anew")
    for version, wrapped in standing.items():
        click.echo(f"version {version} wraps {wrapped}")


@click.group("erasures")
def erasures() -> None:
    """Erasures: who was erased, outside the database and in it."""


@erasures.command("check")
@with_appcontext
def erasures_check() -> None:
    """Whether the register is whole, and everybody in it erased; ends with status 1 unless that is so."""
    stones = tombstones.read()
    with transaction() as session:
        states = {str(row.id): row.state for row in session.query(Erasure).all()}
    missing = [stone.number for stone in stones if stone.erasure_id not in states]
    waiting = sum(1 for state in states.values() if state != "erased")
    unwritten = {id_ for id_, state in states.items() if state == "erased"} - {stone.erasure_id for stone in stones}
    click.echo(f"{len(stones)} in the register, {len(states) - waiting} erased, {waiting} under way")
    if unwritten:
        # Its last lines may be gone, which no chain tells: what a backup brings back of them would stay.
        raise click.ClickException(f"{len(unwritten)} erased are not in the register: bring the file back as it was")
    if missing:
        raise click.ClickException(f"the database knows nothing of numbers {missing[:5]}: open the house again")


def _rewrap() -> int:
    with transaction() as session:
        return wrapping.rewrap(connection_of(session), most=_CHUNK)
