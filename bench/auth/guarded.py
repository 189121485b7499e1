"""The least that rotating a token could be: one guarded UPDATE and INSERT, which asks nobody who they are."""

from core import clock
from core.db import Connection
from core.prepared import PreparedCall

TABLES = """
CREATE SCHEMA bench;
CREATE TABLE bench.chain (id uuid PRIMARY KEY, generation int NOT NULL, changed_at timestamptz NOT NULL)
    WITH (fillfactor = 70);
CREATE TABLE bench.step (
    chain_id uuid NOT NULL, generation int NOT NULL, token text NOT NULL, at timestamptz NOT NULL,
    PRIMARY KEY (chain_id, generation)
);
"""

_STEP = PreparedCall(
    "bench_guarded_step",
    """
    WITH moved AS (
        UPDATE bench.chain SET generation = generation + 1, changed_at = %s WHERE id = %s AND generation = %s
        RETURNING id, generation
    ), kept AS (
        INSERT INTO bench.step (chain_id, generation, token, at) SELECT id, generation, %s, %s::timestamptz FROM moved
    )
    SELECT generation::text FROM moved
    """,
)


def step(connection: Connection, chain_id: str, generation: int, token: str) -> str | None:
    """The generation that the chain has now; None where it had another one than was said."""
    now = clock.now()
    row = _STEP.row(connection, (now, chain_id, generation, token, now))
    return str(row[0]) if row else None
