"""Proofs work once: each that was used is known until it would be too old anyway."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auth.dpop.models import ProofSeen
from auth.dpop.proofs import KEPT, Proven
from core.db import Connection
from core.prepared import PreparedCall

_TAKE = PreparedCall(
    "auth_take_proof",
    """
    WITH seen AS (
        INSERT INTO auth.proof_seen AS known (proof, until) VALUES (%s, %s)
        ON CONFLICT (proof) DO UPDATE SET until = excluded.until
            WHERE known.until <= %s
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM seen)
    """,
)


def take(connection: Connection, proven: Proven) -> bool:
    """Whether the proof is used for the first time. Of any number at one moment, exactly one is."""
    return first(connection, proven.seen, until=proven.until, now=proven.until - KEPT)


def first(connection: Connection, seen: bytes, *, until: datetime, now: datetime) -> bool:
    """The same of anything else that works once: a client's assertion, a nonce.

    seen  an HMAC of it with whose it is; until: by then it is too old to come again
    """
    return _TAKE.is_true(connection, (seen, until, now))


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` proofs that are too old to come again; returns how many."""
    over = select(ProofSeen.proof).where(ProofSeen.until <= now).limit(most)
    gone = delete(ProofSeen).where(ProofSeen.proof.in_(over)).returning(ProofSeen.proof)
    return len(session.execute(gone).all())
