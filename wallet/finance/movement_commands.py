"""`flask wallet adjust`, `approve`, `approvals` and `import-transfers`: what the staff door does, for who has a shell.

They act for a person by `--by`, who must hold the permission; whoever has a shell of the production machine is trusted
to name themselves, as with every command.
"""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click

from auth import approval_lists, approvals, staff
from auth.models import ACTIVE, Approval
from core import clock
from core.db import transaction
from core.errors import Refusal
from wallet.assets import brand_currency
from wallet.finance import adjustments, batch_approvals, batches, places, transfer_files
from wallet.finance.adjustments import Adjustment
from wallet.finance.batches import Batch, Result
from wallet.finance.places import Place
from wallet.finance.transfer_files import BadFile, Filed

_BY = click.option("--by", "email", required=True, help="The e-mail address of the person who does it.")


class _PlaceType(click.ParamType[Place]):
    name = "account"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        try:
            return places.read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("adjust")
@click.option("--from", "source", type=_PlaceType(), help=f"{places.FORMS}.")
@click.option("--to", "target", type=_PlaceType(), help="The same; a side left out is the brand's, by the reason.")
@click.option("--amount-minor", required=True, type=click.IntRange(min=1, max=2**53 - 1))
@click.option("--currency", help="Left out: the brand's; PTS for points.")
@click.option("--reason", required=True, type=click.Choice(list(adjustments.REASONS)))
@click.option("--reference", help="A ticket's number, say; it shows on the statement.")
@click.option("--expires-at", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="Of promotional value and points.")
@click.option("--note", help="For the second person; kept sealed.")
@_BY
def adjust(
    source: Place | None,
    target: Place | None,
    amount_minor: int,
    currency: str | None,
    reason: str,
    reference: str | None,
    expires_at: datetime | None,
    note: str | None,
    email: str,
) -> None:
    """Ask for value to be moved by hand; prints the id that a second person approves."""
    adjustment = Adjustment(
        source=source, target=target, amount_minor=amount_minor, currency=currency or brand_currency(), reason=reason,
        reference=reference, expires_at=expires_at,
    )  # fmt: skip
    actor = _person(email, "adjustments.ask")
    with _refusals(), transaction() as session:
        asked = adjustments.ask(session, adjustment, asked_by=actor, note=note, now=clock.now())
    click.echo(asked.id)


@click.command("approve")
@click.argument("approval_id", type=click.UUID)
@click.option("--refuse", is_flag=True, help="Say no.")
@click.option("--reason", help="Why; kept sealed.")
@_BY
def approve(approval_id: UUID, refuse: bool, reason: str | None, email: str) -> None:
    """Agree to another person's adjustment, which moves the value now, or to a batch, which they can then import."""
    with _refusals(), transaction() as session:
        kind = approvals.find(session, approval_id).kind
    decide, permission = _DECIDED_BY.get(kind, (None, ""))
    if decide is None:
        raise click.ClickException(f"Approvals of the kind {kind} are not decided here")
    actor, now = _person(email, permission), clock.now()
    with _refusals(), transaction() as session:
        decided = decide(session, approval_id, decided_by=actor, approve=not refuse, reason=reason, now=now)
        told = approval_lists.shown(session, [decided], now=now)[0]
    click.echo(f"{told['status']}: {json.dumps(told['subject'])}")


@click.command("approvals")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000), help="How many to list.")
def list_waiting(limit: int) -> None:
    """List what waits for a second person, the latest first."""
    now = clock.now()
    with transaction() as session:
        found = approval_lists.page(session, before=None, limit=limit, now=now, status=approvals.WAITING, kind=None)
        told = approval_lists.shown(session, found, now=now)
    for each in told:
        until = each["expires_at"].isoformat(timespec="minutes")
        click.echo(f"{each['id']} {each['kind']} by {each['asked_by']} until {until}: {json.dumps(each['subject'])}")


_DECIDED_BY: dict[str, tuple[Callable[..., Approval], str]] = {
    adjustments.KIND: (adjustments.decide, "adjustments.decide"),
    batch_approvals.KIND: (batch_approvals.decide, "transfers.approve"),
}


@click.command("import-transfers")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Names the import for ever; left out: the file's name.")
@click.option("--all-or-nothing", is_flag=True, help="Post every line or none (up to 10,000).")
@click.option("--ask", "is_asking", is_flag=True, help="Post nothing: ask a second person; prints the approval's id.")
@click.option("--note", help="For the second person; kept sealed.")
@click.option("--approval", "approval_id", type=click.UUID, help="A second person's approval of this very file.")
@click.option("--results", type=click.Path(dir_okay=False, path_type=Path), help="Write what became of each line here.")
@_BY
def import_transfers(
    file: Path,
    name: str | None,
    all_or_nothing: bool,
    is_asking: bool,
    note: str | None,
    approval_id: UUID | None,
    results: Path | None,
    email: str,
) -> None:
    """Post the transfers of a CSV file; run it again after a break, and it does only the rest.

    Ends with status 1 where a line was refused. Give the corrected lines a file of their own: a name that was imported
    with other lines is refused, so that nothing is posted twice. What moves much is asked for first (--ask), approved
    by a second person, and then imported with --approval.
    """
    actor = _person(email, "transfers.batch")
    try:
        filed = transfer_files.read(file.read_bytes())
    except BadFile as bad:
        raise click.ClickException("Nothing was posted.\n" + "\n".join(bad.errors)) from bad
    if (all_or_nothing or is_asking or approval_id) and len(filed) > batches.MOST_LINES:
        raise click.ClickException(f"As one batch goes what has up to {batches.MOST_LINES} lines, not {len(filed)}.")

    if len(filed) > batches.MOST_LINES:  # in parts, each of which might move little
        with _refusals():
            batch_approvals.refuse_unapproved([each.line for each in filed])
    mode = batches.ALL_OR_NOTHING if all_or_nothing else batches.EACH
    if is_asking:
        _ask(filed, mode, actor, note)
        return
    became = list(_post(filed, actor=actor, name=name or file.name, mode=mode, approval_id=approval_id))
    if results is not None:
        _write(results, became)
    for each, result in became:
        if result.code:
            click.echo(f"line {each.number} ({result.reference}): {result.code}: {result.detail}", err=True)
    refused = sum(result.code is not None for _, result in became)
    before = sum(result.replayed for _, result in became)
    click.echo(f"{len(became) - refused} posted, {refused} refused; {before} of them had been done before")
    if refused:
        raise SystemExit(1)


COMMANDS: list[click.Command] = [adjust, approve, list_waiting, import_transfers]


def _ask(filed: Sequence[Filed], mode: str, actor: str, note: str | None) -> None:
    content = batch_approvals.content_of(mode, [each.given for each in filed])
    lines = [each.line for each in filed]
    with _refusals(), transaction() as session:
        asked = batch_approvals.ask(
            session, lines, mode=mode, content=content, asked_by=actor, note=note, now=clock.now()
        )
    click.echo(asked.id)


def _post(
    filed: Sequence[Filed], *, actor: str, name: str, mode: str, approval_id: UUID | None
) -> Iterator[tuple[Filed, Result]]:
    """Batch by batch, what became of each line."""
    for begin in range(0, len(filed), batches.MOST_LINES):
        some = filed[begin : begin + batches.MOST_LINES]
        lines = [each.line for each in some]
        content = batch_approvals.content_of(mode, [each.given for each in some])
        batch = Batch(
            principal=actor, key=f"import:{name}:{begin}", fingerprint=content, content=content, mode=mode, lines=lines,
            approval_id=approval_id,
        )  # fmt: skip
        with _refusals(some):
            outcome = batches.run(batch, now=clock.now())
        yield from zip(some, outcome.results, strict=True)


def _write(path: Path, became: Sequence[tuple[Filed, Result]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "reference", "status", "transfer_id", "code", "detail"])
        for each, result in became:
            transfer_id = result.transfer_id or ""
            writer.writerow(
                [each.number, result.reference, result.status, transfer_id, result.code or "", result.detail or ""]
            )


def _person(email: str, permission: str) -> str:
    """The principal's name of a person who may do it."""
    with _refusals(), transaction() as session:
        person = staff.by_email(session, email)
        principal = staff.principal_of(person)
        if person.status != ACTIVE or permission not in principal.permissions:
            raise click.ClickException(f"{email} lacks the permission {permission}")
        return principal.name


@contextmanager
def _refusals(filed: Sequence[Filed] = ()) -> Iterator[None]:
    """Tell a refusal in a few words, with the file's line where it is one line's."""
    try:
        yield
    except Refusal as refusal:
        reference = refusal.facts.get("reference")
        place = next((f"line {each.number} ({reference}): " for each in filed if each.line.reference == reference), "")
        fields = [f"{each['pointer']}: {each['detail']}" for each in refusal.facts.get("errors", ()) if not place]
        raise click.ClickException("\n".join([f"{place}{refusal.code}: {refusal.detail}", *fields])) from refusal
