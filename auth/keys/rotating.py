"""Keys that follow one another: published a day before they sign, believed for half a year after.

By then every client has read the key set anew, since it may keep it for an hour; so a change of keys is noticed by
nobody. The key of the setting is the first one and stands in no column: only its place in the order does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from auth.keys import jwk, ring, sealing
from auth.keys.errors import KeyInUse
from auth.keys.models import CURRENT, NEXT, RETIRED, SigningKey
from auth.keys.ring import ES256, RS256, Key, PrivateKey, Ring
from core import audit, crypto, ids
from core.db import after_commit, transaction
from core.errors import NotFound

#: How long a key is published before it signs.
PUBLISHED_FOR = timedelta(hours=24)
#: How long a retired one is: who signed in half a year ago may still show its id_token to sign out.
KEPT_FOR = timedelta(days=180)

_ALGORITHMS = (ES256, RS256)
_ORDER = (CURRENT, NEXT, RETIRED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A next key that is too young to sign, and from when on it is not."""

    alg: str
    ready_at: datetime


def open_ring(now: datetime) -> None:
    """Make what keys are missing, and sign and believe by the table from now on."""
    with transaction() as session:
        ensure(session, now=now)
    ring.follow(read)


def ensure(session: Session, *, now: datetime) -> None:
    """A current key of each algorithm, and a next one for the algorithm that all tokens are signed by.

    effects  waits for others who are at it. A setting that was changed takes the place of the one before
    """
    _lock(session)
    known = {(row.alg, row.status): row for row in session.scalars(select(SigningKey))}
    _ensure_own(session, known.get((ES256, CURRENT)), now)
    if (RS256, CURRENT) not in known:
        _add(session, RS256, CURRENT, now)
    if (ES256, NEXT) not in known:
        _add(session, ES256, NEXT, now)


def rotate(session: Session, *, actor: str, at_once: bool = False, now: datetime) -> list[Waiting]:
    """Let the next keys sign, and retire the current ones; those that are too young, and so stay as they are.

    at_once  also keys that clients may not have read yet: for an hour they may refuse what is signed by them
    effects  other processes sign by them within half a minute; audited
    """
    return _rotate(session, _ALGORITHMS, actor=actor, at_once=at_once, now=now)


def rotate_due(now: datetime, *, every: timedelta) -> None:
    """Let the next key sign where the current one has for so long; make next ones; forget what was retired long ago."""
    with transaction() as session:
        _lock(session)
        rows = session.scalars(select(SigningKey).where(SigningKey.status == CURRENT)).all()
        over = [row.alg for row in rows if row.current_from and row.current_from + every <= now]
        _rotate(session, over, actor="schedule", at_once=False, now=now)
        gone = select(SigningKey).where(SigningKey.status == RETIRED, SigningKey.retired_at <= now - KEPT_FOR)
        for row in session.scalars(gone):
            _drop(session, row)


def withdraw(session: Session, kid: str, *, actor: str, now: datetime) -> None:
    """Believe a retired key no more, at once: what it has signed is good for nothing. For a key that was stolen.

    raises  NotFound; KeyInUse for one that is not retired
    """
    _lock(session)
    row = session.scalar(select(SigningKey).where(SigningKey.kid == kid))
    if row is None:
        raise NotFound
    if row.status != RETIRED:
        raise KeyInUse
    _drop(session, row)
    audit.record(session, actor=actor, action="signing_key.withdrawn", target=kid, change={"alg": row.alg}, now=now)
    after_commit(session, "signing keys", ring.reread)


def list_(session: Session) -> Sequence[SigningKey]:
    """All keys, by algorithm: the current one, the next, and those before."""
    rows = session.scalars(select(SigningKey)).all()
    return sorted(rows, key=lambda row: (row.alg, _ORDER.index(row.status), row.kid))


def read() -> Ring:
    """The ring as the table has it. Keys that this process has are not opened again."""
    with transaction() as session:
        rows = list_(session)
        keys = {row.kid: _key_of(session, row) for row in rows}
    signing = {row.alg: keys[row.kid] for row in rows if row.status == CURRENT}
    if ES256 not in signing:  # nobody has made them yet
        signing[ES256] = keys[ring.own().kid] = ring.own()
    if signing[ES256].private is None and ring.own().kid in keys:
        # Others were started with another setting while this process still runs with the one before: what that signs
        # is believed for a while longer, so that they can be restarted one by one.
        signing[ES256] = ring.own()
    return Ring(signing, keys)


def _rotate(session: Session, algorithms: Sequence[str], *, actor: str, at_once: bool, now: datetime) -> list[Waiting]:
    _lock(session)
    waiting = []
    for alg in algorithms:
        successor = _find(session, alg, NEXT)
        if successor is None:
            successor = _add(session, alg, NEXT, now)
        ready_at = successor.published_at + PUBLISHED_FOR
        if now < ready_at and not at_once:
            waiting.append(Waiting(alg, ready_at))
            continue
        former = _find(session, alg, CURRENT)
        if former is not None:
            former.status, former.retired_at = RETIRED, now
            session.flush()
        successor.status, successor.current_from = CURRENT, now
        session.flush()
        _add(session, alg, NEXT, now)
        change = {"alg": alg, "former": former.kid if former else None, "at_once": at_once}
        audit.record(session, actor=actor, action="signing_key.rotated", target=successor.kid, change=change, now=now)
    after_commit(session, "signing keys", ring.reread)
    return waiting


def _ensure_own(session: Session, current: SigningKey | None, now: datetime) -> None:
    """Give the setting's key its place, unless another has followed it."""
    own = ring.own()
    if current is not None:
        if current.private is not None or current.kid == own.kid:
            return
        current.status, current.retired_at = RETIRED, now  # by its public half it is still believed
        session.flush()
    before = session.scalar(select(SigningKey).where(SigningKey.kid == own.kid))
    if before is not None:
        before.status, before.current_from, before.retired_at = CURRENT, now, None
        session.flush()
        return
    session.add(
        SigningKey(
            id=ids.new(),
            kid=own.kid,
            alg=own.alg,
            status=CURRENT,
            public=jwk.of(own.public),
            published_at=now,
            current_from=now,
        )
    )
    session.flush()


def _add(session: Session, alg: str, status: str, now: datetime) -> SigningKey:
    private: PrivateKey
    private = ec.generate_private_key(ec.SECP256R1()) if alg == ES256 else rsa.generate_private_key(65537, 2048)
    public, row_id = private.public_key(), ids.new()
    row = SigningKey(
        id=row_id,
        kid=jwk.kid_of(public),
        alg=alg,
        status=status,
        public=jwk.of(public),
        private=sealing.seal(session, row_id, private),
        published_at=now,
        current_from=now if status == CURRENT else None,
    )
    session.add(row)
    session.flush()
    return row


def _key_of(session: Session, row: SigningKey) -> Key:
    known = ring.find_here(row.kid)
    private = None
    if row.status == CURRENT:
        private = _private_of(session, row, known)
    public = known.public if known else jwk.read_own(row.public)
    return Key(row.kid, row.alg, public, private, row.retired_at)


def _private_of(session: Session, row: SigningKey, known: Key | None) -> PrivateKey | None:
    if known is not None and known.private is not None:
        return known.private
    if row.private is None:
        # Of a setting that other processes were started with: whoever has it signs by it.
        return ring.own().private if row.kid == ring.own().kid else None
    return sealing.unseal(session, row.id, row.private)


def _find(session: Session, alg: str, status: str) -> SigningKey | None:
    return session.scalar(select(SigningKey).where(SigningKey.alg == alg, SigningKey.status == status))


def _drop(session: Session, row: SigningKey) -> None:
    session.delete(row)
    crypto.destroy_data_key(session, row.id)


def _lock(session: Session) -> None:
    """One at a time makes or moves keys, over all processes."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('auth.signing_key'))"))
