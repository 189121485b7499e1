"""Seals: the hash chain over the ledger's transfers, by which an edited, removed or cut-off row is found."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(SEALS)


SEALS = """
-- A block seals the transfers whose (epoch, xid) lies from its beginning up to its end, that one not included.
CREATE TABLE wallet.seal (
    number bigint CONSTRAINT pk_seal PRIMARY KEY,
    epoch int NOT NULL,
    from_xid xid8 NOT NULL,
    to_xid xid8 NOT NULL,
    transfers int NOT NULL,
    entries int NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT ck_seal_number CHECK (number > 0),
    CONSTRAINT ck_seal_hash CHECK (length(hash) = 32)
);
CREATE TRIGGER seal_written_once BEFORE UPDATE OR DELETE ON wallet.seal
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();

-- What is sealed of the transfers of a span: one JSON text a transfer, in the order of ids, with its entries, its lots
-- and holds in the order of theirs. Instants are microseconds, so that neither zone nor style of dates changes them.
CREATE FUNCTION wallet.sealed_of(of_epoch int, from_xid xid8, to_xid xid8)
RETURNS TABLE (transfer_id uuid, entries int, content text) LANGUAGE sql STABLE AS $$
    SELECT t.id, coalesce(jsonb_array_length(e.rows), 0),
           jsonb_build_array(t.id, t.principal, t.key, encode(t.fingerprint, 'hex'), t.kind, t.state, t.refusal,
               t.parent_id, t.hold_id, t.details, (extract(epoch FROM t.effective_at) * 1000000)::bigint,
               (extract(epoch FROM t.recorded_at) * 1000000)::bigint, e.rows, l.rows, h.rows)::text
      FROM wallet.transfer t
      LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_array(n.account_id, n.shard, n.version, n.amount, n.balance_after,
                   (extract(epoch FROM n.effective_at) * 1000000)::bigint,
                   (extract(epoch FROM n.recorded_at) * 1000000)::bigint) ORDER BY n.account_id) AS rows
          FROM wallet.entry n WHERE n.transfer_id = t.id) e ON true
      LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_array(m.lot_id, m.amount) ORDER BY m.lot_id) AS rows
          FROM wallet.lot_move m WHERE m.transfer_id = t.id) l ON true
      LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_array(m.hold_id, m.place, m.held, m.captured) ORDER BY m.hold_id, m.place) AS rows
          FROM wallet.hold_move m WHERE m.transfer_id = t.id) h ON true
     WHERE t.epoch = of_epoch AND t.xid >= from_xid AND t.xid < to_xid
$$;
"""
