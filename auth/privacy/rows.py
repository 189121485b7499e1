"""Reading and dropping the rows that a declaration names."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row
from sqlalchemy.orm import Session

from core import crypto
from core.db import Connection, connection_of
from core.events.announce import jsonable
from core.holdings import MACHINERY, Held

#: A transaction of so many is far below the 250 ms for which it may hold the log's readers back.
CHUNK = 500

_FETCHED = 1_000

#: What is sealed, or hashed: only what is declared to open is told.
_BYTEA = 17


def told(session: Session, held: Held, customer_id: UUID) -> Iterator[dict[str, Any]]:
    """A table's rows on a customer as an export shows them, JSON-ready; what is erased of somebody else is None."""
    query = f"SELECT * FROM {held.table} WHERE {held.where} ORDER BY {held.order}"  # noqa: S608 - our own words
    with connection_of(session).cursor("told", row_factory=dict_row) as cursor:
        cursor.itersize = _FETCHED
        cursor.execute(query, _names(customer_id))
        shown = [
            column.name
            for column in cursor.description or ()
            if column.name in held.opens or not (column.type_code == _BYTEA or column.name in {*held.hides, *MACHINERY})
        ]
        for row in cursor:
            others = {name for name in held.people if row[name] != customer_id}
            yield {name: None if name in others else _shown(session, held, row, name) for name in shown}


def find(connection: Connection, held: Held, customer_id: UUID) -> list[str]:
    """Where the next rows are that erasing has something to do with. To be asked before a transaction that writes:
    a table without an index by customers takes its time."""
    query = f"SELECT ctid::text FROM {held.table} WHERE ({held.erases or held.where}){_undone(held)} LIMIT {CHUNK}"  # noqa: S608
    return [row[0] for row in connection.execute(query, _names(customer_id))]


def erase(connection: Connection, held: Held, customer_id: UUID, found: list[str]) -> int:
    """Drop or clear rows that were found, where they still are the customer's; how many."""
    action = f"DELETE FROM {held.table}"  # noqa: S608
    if held.erased == "cleared":
        action = f"UPDATE {held.table} SET {', '.join(f'{name} = NULL' for name in held.clears)}"  # noqa: S608
    query = f"{action} WHERE ctid = ANY(%(found)s::text[]::tid[]) AND ({held.erases or held.where})"
    return connection.execute(query, {**_names(customer_id), "found": found}).rowcount


def _names(customer_id: UUID) -> dict[str, Any]:
    return {"customer": customer_id, "name": f"customer:{customer_id}"}


def _undone(held: Held) -> str:
    return f" AND ({' OR '.join(f'{name} IS NOT NULL' for name in held.clears)})" if held.clears else ""


def _shown(session: Session, held: Held, row: dict[str, Any], name: str) -> Any:
    sealed, value = held.opens.get(name), row[name]
    if sealed is None or value is None:
        return _plain(value)
    owner_id = row[sealed.owner]
    if owner_id is None:
        return None
    try:
        return crypto.unseal(
            session, owner_id=owner_id, place=sealed.place, row_id=row[sealed.row], ciphertext=bytes(value)
        )
    except crypto.Erased:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date) and not hasattr(value, "hour"):
        return value.isoformat()
    return jsonable(value)
