"""Finding places: one by its id, or a page of them, the latest first."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from auth.models import Merchant, Organisation, Store, Terminal
from core.errors import NotFound

Place = TypeVar("Place", Organisation, Merchant, Store, Terminal)


def one(session: Session, kind: type[Place], place_id: UUID, *, is_locked: bool = False) -> Place:
    """raises  NotFound"""
    found = session.get(kind, place_id, with_for_update=is_locked or None, populate_existing=is_locked)
    if found is None:
        raise NotFound(f"There is no such {kind.__tablename__}")
    return found


def page(
    session: Session, kind: type[Place], *where: ColumnElement[bool], before: UUID | None, limit: int
) -> Sequence[Place]:
    query: Any = select(kind).where(*where).order_by(kind.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(kind.id < before)).all()


def terminals_page(
    session: Session, *, merchant_id: UUID | None, store_id: UUID | None, status: str | None,
    before: UUID | None, limit: int,
) -> Sequence[Terminal]:  # fmt: skip
    """A page of the tills, of one merchant or store or with one status where that is asked for."""
    where: list[ColumnElement[bool]] = []
    if store_id is not None:
        where.append(Terminal.store_id == store_id)
    if merchant_id is not None:
        where.append(Terminal.store_id.in_(select(Store.id).where(Store.merchant_id == merchant_id)))
    if status is not None:
        where.append(Terminal.status == status)
    return page(session, Terminal, *where, before=before, limit=limit)
