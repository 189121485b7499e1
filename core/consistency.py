"""Audits: questions that give a row only where something that is kept twice differs, asked of one instant."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from core.db import Connection, connection_of, transaction


@contextmanager
def one_instant() -> Iterator[Connection]:
    """What was committed when it begins, for all questions, however much is written meanwhile."""
    with transaction() as session:
        connection = connection_of(session)
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


def first_difference(
    connection: Connection, questions: Iterable[str], names: Mapping[str, object] | None = None
) -> str | None:
    """The first thing that does not add up, in the one line with which its question names it; None when all does.

    names  what the questions have to be told
    """
    for question in questions:
        row = connection.execute(question, names).fetchone()
        if row is not None:
            return str(row[0])
    return None
