"""The database: one transaction an entry point, one statement a hot path, and errors that name their refusal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy import DateTime, Engine, MetaData, Text, create_engine, event
from sqlalchemy import exc as sa_exc
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import Uuid

from core.errors import Busy, ConfigurationError, DatabaseUnavailable, Refusal, Unstorable, of_constraint
from core.settings import Settings

#: A lock that is not had in two seconds is answered with 503 rather than waited for; a transaction that idles
#: would hold back every reader of the log.
CONNECTION_OPTIONS = "-c lock_timeout=2s -c idle_in_transaction_session_timeout=10s -c timezone=UTC"

OLDEST_SERVER = 150000

#: How many statements a connection keeps prepared. A worker's lines have some two hundred between them: with psycopg's
#: own hundred they pushed each other out, and most were parsed and planned anew each time.
PREPARED_STATEMENTS = 500

#: A statement is prepared when it comes for the third time, not the sixth: each time before it is planned anew.
PREPARED_AFTER = 2

Connection = psycopg.Connection[tuple[Any, ...]]


class Base(DeclarativeBase):
    """The root of every room's models; each model names its room's PostgreSQL schema."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {
        str: Text,
        UUID: Uuid(as_uuid=True),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
    }


def one_of(column: str, values: Sequence[str]) -> str:
    """The CHECK of a column that holds one of a few words."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class _Database:
    """What `open_database` opened: SQLAlchemy's engine for transactions, psycopg's pool for single statements."""

    def __init__(self, url: str, pool_size: int) -> None:
        self.url = url
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            # What was given back last is lent first: a worker's forty threads, of which few are at work at once, share
            # the few connections whose statements are prepared. In turn they would go through all that there are.
            pool_use_lifo=True,
            pool_pre_ping=True,
            hide_parameters=True,  # personal data stands in no error, so in no log
            connect_args={"options": CONNECTION_OPTIONS, "connect_timeout": 5},
        )
        event.listen(self.engine, "connect", _keep_prepared)
        self.sessions = sessionmaker(self.engine, expire_on_commit=False)
        self.statements: ConnectionPool[Connection] = ConnectionPool(
            url,
            kwargs={"autocommit": True, "options": CONNECTION_OPTIONS, "connect_timeout": 5},
            min_size=0,
            max_size=pool_size,
            timeout=5,
            open=False,
            configure=_keep_prepared,
            check=None,
        )
        self.statements.open()


def _keep_prepared(connection: Connection, _: object = None) -> None:
    connection.prepared_max, connection.prepare_threshold = PREPARED_STATEMENTS, PREPARED_AFTER


_database: _Database | None = None


def open_database(settings: Settings) -> None:
    """Connect this process to `settings.database_url`, or to the embedded server where that is empty.

    raises  ConfigurationError with one line when the server is unreachable or older than 15
    """
    global _database
    close_database()
    url = settings.database_url or _embedded_url()
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:  # also an address that cannot be read
        told = [line for line in str(error).strip().splitlines() if line[:1].strip()]  # hints are indented
        reason = (told or ["no reason given"])[-1]
        raise ConfigurationError(f"The database of DATABASE_URL cannot be reached: {reason}") from error
    if version < OLDEST_SERVER:
        raise ConfigurationError(f"PostgreSQL {version // 10000} is too old: DATABASE_URL must point at 15 or newer")
    _database = _Database(_for_sqlalchemy(url), settings.database_pool_size)


def _embedded_url() -> str:
    from core.postgres import embedded  # only who needs the embedded server loads it

    return embedded.url()


def _for_sqlalchemy(url: str) -> str:
    return "postgresql://" + url.removeprefix("postgres://") if url.startswith("postgres://") else url


def close_database() -> None:
    """Give every connection back; used by tests, and by commands as they end."""
    global _database
    if _database is not None:
        _database.statements.close()
        _database.engine.dispose()
        _database = None


def _opened() -> _Database:
    if _database is None:
        raise RuntimeError("open_database(settings) comes before any transaction")
    return _database


def engine() -> Engine:
    return _opened().engine


def url() -> str:
    return _opened().url


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction: committed when the block ends, rolled back when it raises.

    raises  the Refusal whose constraint was violated; Busy on a lock time-out or deadlock; DatabaseUnavailable
    """
    session = _opened().sessions()
    try:
        with translated_errors():
            yield session
            session.commit()
        for hint in session.info.pop("hints", {}).values():
            hint()
    except BaseException:
        _roll_back(session)
        raise
    finally:
        session.close()


def after_commit(session: Session, name: str, hint: Callable[[], None]) -> None:
    """Give a hint once the session's `transaction` has committed; the same name gives it once.

    A process that dies in between never gives it: so it may hasten what follows, and nothing may hang on it.
    """
    session.info.setdefault("hints", {})[name] = hint


def _roll_back(session: Session) -> None:
    """Undo what the session did; where its connection is lost the server has done so, and the pool must forget it."""
    try:
        session.rollback()
    except sa_exc.OperationalError:
        session.invalidate()


def statement() -> AbstractContextManager[Connection]:
    """Lend a psycopg connection in autocommit, where one SQL call is the whole transaction (hot paths only)."""
    return _Loan(_opened().statements)


def connection_of(session: Session) -> Connection:
    """The psycopg connection of a session's own transaction, for a hot path with more written beside it."""
    session.flush()
    return cast(Connection, session.connection().connection.driver_connection)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what the driver raises into the refusal that it means; what has no meaning passes unchanged."""
    try:
        yield
    except Exception as error:
        _translate(error)
        raise


class _Loan(AbstractContextManager[Connection]):
    """A connection of the pool for the length of a block, and what it raises translated.

    A class: nested generators and the pool's own block took four times as long (measured).
    """

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def __enter__(self) -> Connection:
        try:
            self._connection = self._pool.getconn()
        except Exception as error:
            _translate(error)
            raise
        return self._connection

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._pool.putconn(self._connection)  # which rolls back what was left open, and drops what is broken
        if error is not None:
            _translate(error)


def _translate(error: BaseException) -> None:
    """raises  the refusal that the driver's error means, if any"""
    if isinstance(error, PoolTimeout | sa_exc.TimeoutError):
        raise Busy from error
    if isinstance(error, UnicodeEncodeError):  # half a surrogate pair, which the driver cannot send
        raise Unstorable from error
    if isinstance(error, sa_exc.DBAPIError | psycopg.Error):
        refusal = _refusal_of(error.orig if isinstance(error, sa_exc.DBAPIError) else error)
        if refusal is not None:
            raise refusal from error


#: What another transaction did to ours; the same work may be done again.
_PASSING = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.QueryCanceled,
    psycopg.errors.SerializationFailure,
)

#: The connection is lost; a session that idled too long in a transaction loses it, too.
_GONE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)


def _refusal_of(error: BaseException | None) -> Refusal | None:
    if isinstance(error, _PASSING):
        return Busy()
    if isinstance(error, psycopg.errors.IntegrityError) and error.diag.constraint_name:
        kind = of_constraint(error.diag.constraint_name)
        return kind() if kind else None
    if isinstance(error, psycopg.DataError):
        return Unstorable()
    if isinstance(error, _GONE):
        return DatabaseUnavailable()
    return None
