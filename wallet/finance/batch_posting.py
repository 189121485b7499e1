"""How a batch is posted: in chunks, or at once."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from core.db import connection_of, transaction
from core.errors import Refusal
from wallet import accounts, faults, ledger
from wallet.errors import AmountTooLarge, PostingRefused
from wallet.finance import batch_lines, owing
from wallet.finance.batch_models import ENDED, REFUSED, RUNNING, TransferBatch
from wallet.finance.lines import Line
from wallet.ledger import Transfer

#: So many lines are posted in one transaction. 500 took up to 290 ms on a machine with four times too much to do
#: (measured), of the house's 250.
CHUNK = 200


def post_each(row: TransferBatch, lines: Sequence[Line], now: datetime) -> None:
    """Post each line for itself, in chunks, and decline for good what cannot be posted."""
    with transaction() as session:
        bad = batch_lines.refusals(session, lines, now=now)
    for some in _chunks([line for line in lines if line.reference not in bad]):
        bad |= _post_good_ones(row, some, now)
    declined = [(line, bad[line.reference]) for line in lines if line.reference in bad]
    for chunk in _chunks(declined):
        with transaction() as session:
            batch_lines.decline(connection_of(session), chunk, batch_id=row.id, fingerprint=row.fingerprint, now=now)
    answers = batch_lines.standing(row).values()
    refused = sum(refusal is not None for _, refusal in answers)
    with transaction() as session:
        _end(session, row, now, posted=len(answers) - refused, refused=refused)


def post(session: Session, lines: Sequence[Line], transfers: Sequence[Transfer]) -> None:
    """Post all lines or none, as a transaction's last deed; their accounts are open and their owners known.

    transfers  the lines as `transfers_of` makes them, before the transaction begins
    raises     a PostingRefused with the `position` of the first line at fault
    """
    connection = connection_of(session)
    owing.refuse_overpaying(connection, [owing.Movement(*line.openings, line.amount_minor) for line in lines])
    ledger.post_all(connection, transfers)


def transfers_of(row: TransferBatch, lines: Sequence[Line], now: datetime) -> list[Transfer]:
    return [batch_lines.transfer(line, row.id, row.fingerprint, now) for line in lines]


def _post_good_ones(row: TransferBatch, lines: Sequence[Line], now: datetime) -> dict[str, Refusal]:
    """Post what can be posted of a chunk; the others with their refusals.

    A posting names the first line at fault: those before it are posted next, and it is left out. Where many are bad the
    window narrows to one line, so that a chunk of nothing but bad ones costs no more than posting them one by one.
    """
    bad: dict[str, Refusal] = {}
    rest, window = list(lines), len(lines)
    while rest:
        some = rest[:window]
        transfers = transfers_of(row, some, now)
        try:
            with transaction() as session:
                accounts.open_all(session, [opening for line in some for opening in line.openings])
                post(session, some, transfers)
        except PostingRefused as refusal:
            if refusal.is_replayed:  # a twin of this batch declined it meanwhile
                known = batch_lines.standing(row)
                rest = [line for line in rest if line.reference not in known]
            elif isinstance(refusal, AmountTooLarge) and window > 1:  # it does not tell its place
                window //= 2
            elif refusal.position:
                window = refusal.position
            else:
                bad[some[0].reference] = refusal
                rest, window = rest[1:], max(1, window // 2)
            continue
        rest, window = rest[len(some) :], min(2 * window, CHUNK)
    return bad


def post_all(row: TransferBatch, lines: Sequence[Line], now: datetime) -> None:
    """Post all lines at once, or refuse the batch for good.

    raises  the refusal of the first line at fault, with its place
    """
    try:
        with transaction() as session:
            bad = batch_lines.refusals(session, lines, now=now)
        for position, line in enumerate(lines):
            if line.reference in bad:
                raise _at(bad[line.reference], lines, position)
        for some in _chunks(lines):
            with transaction() as session:
                accounts.open_all(session, [opening for line in some for opening in line.openings])
        _post_all_at_once(row, lines, now)
    except Refusal as refusal:
        if not refusal.is_final or refusal.is_replayed:
            raise
        with transaction() as session:
            is_ours = _refuse(session, row, refusal, now)
        if is_ours:  # else a twin of this batch has posted it meanwhile
            raise


def _post_all_at_once(row: TransferBatch, lines: Sequence[Line], now: datetime) -> None:
    transfers = transfers_of(row, lines, now)
    with transaction() as session:
        try:
            post(session, lines, transfers)
        except PostingRefused as refusal:
            raise _at(refusal, lines, refusal.position) from refusal
        if not _end(session, row, now, posted=len(lines), refused=0):
            # A twin of this batch has posted it, so that the lines were replayed; or it was refused to a twin.
            ended = session.get_one(TransferBatch, row.id, populate_existing=True)
            if ended.refusal is not None:
                raise faults.thawed(ended.refusal)


def _at(refusal: Refusal, lines: Sequence[Line], position: int) -> Refusal:
    """The refusal, with the place of the line at fault as a schema would tell it."""
    pointer = f"/lines/{position}"
    facts = {"reference": lines[position].reference, "errors": [{"pointer": pointer, "detail": refusal.detail}]}
    return type(refusal)(refusal.detail, **refusal.facts, **facts)


def _refuse(session: Session, row: TransferBatch, refusal: Refusal, now: datetime) -> bool:
    """False where the batch has ended already."""
    kept = {"code": refusal.code, "detail": refusal.detail, "facts": refusal.facts}
    return _set(session, row, status=REFUSED, refusal=kept, ended_at=now)


def _end(session: Session, row: TransferBatch, now: datetime, *, posted: int, refused: int) -> bool:
    """False where the batch has ended already."""
    return _set(session, row, status=ENDED, posted_count=posted, refused_count=refused, ended_at=now)


def _set(session: Session, row: TransferBatch, **values: Any) -> bool:
    is_running = (TransferBatch.id == row.id, TransferBatch.status == RUNNING)
    return (
        session.scalar(update(TransferBatch).where(*is_running).values(**values).returning(TransferBatch.id))
        is not None
    )


def _chunks(lines: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (lines[begin : begin + CHUNK] for begin in range(0, len(lines), CHUNK))
