"""The wallet: one double-entry ledger for everything of value, and the top-ups that bring money in from outside.

`wallet.post` is the only way to move value: one call posts any number of transfers, and triggers refuse whoever writes
past it. Entries, parts and balances have no foreign keys where the function has just checked the same thing under its
locks: on entries alone they cost a fifth of the rate (measured), and `flask wallet check` looks for what they would.
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(ACCOUNTS)
    op.execute(TRANSFERS)
    op.execute(GUARDS)
    op.execute(POST)
    op.execute(TOPUPS)


ACCOUNTS = """
CREATE TABLE wallet.asset (
    code text CONSTRAINT pk_asset PRIMARY KEY,
    exponent smallint NOT NULL,
    CONSTRAINT ck_asset_exponent CHECK (exponent BETWEEN 0 AND 8)
);

CREATE TABLE wallet.account (
    id uuid CONSTRAINT pk_account PRIMARY KEY,
    owner text NOT NULL,
    purpose text NOT NULL,
    asset text NOT NULL CONSTRAINT fk_account_asset REFERENCES wallet.asset (code),
    floor bigint,
    hot boolean NOT NULL,
    status text NOT NULL DEFAULT 'open',
    CONSTRAINT uq_account_owner_purpose_asset UNIQUE (owner, purpose, asset),
    CONSTRAINT uq_account_id_asset_status UNIQUE (id, asset, status),
    CONSTRAINT ck_account_status CHECK (status IN ('open', 'closed'))
);

-- Asset and status stand here too, so that posting reads them under the row's lock; the foreign key keeps them equal.
CREATE TABLE wallet.balance (
    account_id uuid CONSTRAINT pk_balance PRIMARY KEY,
    asset text NOT NULL,
    status text NOT NULL,
    hot boolean NOT NULL,
    floor bigint,
    posted bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    CONSTRAINT fk_balance_account_id FOREIGN KEY (account_id, asset, status)
        REFERENCES wallet.account (id, asset, status) ON UPDATE CASCADE,
    CONSTRAINT ck_balance_floor CHECK (posted - held >= floor),
    CONSTRAINT ck_balance_held CHECK (held >= 0)
) WITH (fillfactor = 50);
"""

TRANSFERS = """
CREATE TABLE wallet.transfer (
    id uuid CONSTRAINT pk_transfer PRIMARY KEY,
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'posted',
    refusal jsonb,
    parent_id uuid CONSTRAINT fk_transfer_parent_id REFERENCES wallet.transfer (id),
    details jsonb NOT NULL,
    effective_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT uq_transfer_principal_key UNIQUE (principal, key),
    CONSTRAINT ck_transfer_state
        CHECK (state = 'posted' AND refusal IS NULL OR state = 'declined' AND refusal IS NOT NULL)
);
CREATE INDEX ix_transfer_parent_id ON wallet.transfer (parent_id) WHERE parent_id IS NOT NULL;

-- What each source gave to a transfer, in the order named, and how much of it has gone back.
CREATE TABLE wallet.transfer_part (
    transfer_id uuid NOT NULL,
    account_id uuid NOT NULL,
    position int NOT NULL,
    amount bigint NOT NULL,
    refunded bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_transfer_part PRIMARY KEY (transfer_id, account_id),
    CONSTRAINT ck_transfer_part_amount CHECK (amount > 0),
    CONSTRAINT ck_transfer_part_refunded CHECK (refunded >= 0),
    CONSTRAINT ck_transfer_part_refund_cap CHECK (refunded <= amount)
) WITH (fillfactor = 90);

CREATE TABLE wallet.entry (
    id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    account_id uuid NOT NULL,
    version bigint NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    effective_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_entry PRIMARY KEY (id),
    CONSTRAINT ck_entry_amount CHECK (amount <> 0)
) PARTITION BY RANGE (id);
CREATE INDEX ix_entry_account_id_id ON wallet.entry (account_id, id);

INSERT INTO core.month_partitioned VALUES ('wallet.entry');
SELECT core.ensure_month_partitions(clock_timestamp(), 3);
"""

GUARDS = """
CREATE FUNCTION wallet.refuse_unposted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'wallet.% is written by wallet.post alone', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER transfer_written_once BEFORE UPDATE OR DELETE ON wallet.transfer
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER entry_written_once BEFORE UPDATE OR DELETE ON wallet.entry
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER transfer_part_kept BEFORE DELETE ON wallet.transfer_part
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER transfer_part_written_once BEFORE UPDATE ON wallet.transfer_part FOR EACH ROW
    WHEN ((OLD.transfer_id, OLD.account_id, OLD.position, OLD.amount)
       <> (NEW.transfer_id, NEW.account_id, NEW.position, NEW.amount))
    EXECUTE FUNCTION core.refuse_change();

-- The setting is on only inside the posting function; a WHEN clause costs no call.
CREATE TRIGGER transfer_only_posted BEFORE INSERT ON wallet.transfer FOR EACH ROW
    WHEN (NEW.state = 'posted' AND current_setting('wallet.posting', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION wallet.refuse_unposted();
CREATE TRIGGER entry_only_posted BEFORE INSERT ON wallet.entry FOR EACH ROW
    WHEN (current_setting('wallet.posting', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION wallet.refuse_unposted();
CREATE TRIGGER transfer_part_only_posted BEFORE INSERT OR UPDATE ON wallet.transfer_part FOR EACH ROW
    WHEN (current_setting('wallet.posting', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION wallet.refuse_unposted();
CREATE TRIGGER balance_only_posted BEFORE UPDATE ON wallet.balance FOR EACH ROW
    WHEN ((OLD.posted, OLD.version) <> (NEW.posted, NEW.version)
          AND current_setting('wallet.posting', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION wallet.refuse_unposted();
"""

POST = """
-- Posts any number of transfers, all or none, and returns those that had been posted under their key before.
-- Positions count transfers from 1. Locks: transfers by key, parts by transfer, balances by (hot last, id).
-- A fault names its constraint, and as detail "position|account" or a declined transfer's kept refusal.
CREATE FUNCTION wallet.post(
    transfer_ids uuid[], principals text[], keys text[], fingerprints bytea[], kinds text[], parent_ids uuid[],
    effective_ats timestamptz[], details_texts text[],
    leg_positions int[], leg_ids uuid[], leg_accounts uuid[], leg_amounts bigint[],
    event_positions int[], event_ids uuid[], event_names text[], event_customers uuid[], event_subjects text[],
    event_times timestamptz[], event_sources text[], event_causes uuid[], event_depths smallint[],
    event_traces text[], event_payloads text[]
) RETURNS TABLE (replay_position int, replay_id uuid, replay_effective_at timestamptz, replay_details jsonb)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET wallet.posting = 'on' AS $$
DECLARE
    fresh uuid[];
    all_fresh boolean;
    known record;
    fault record;
    given_back bigint;
BEGIN
    WITH inserted AS (
        INSERT INTO wallet.transfer (id, principal, key, fingerprint, kind, parent_id, effective_at, details)
        SELECT t.id, t.principal, t.key, t.fingerprint, t.kind, t.parent_id, t.effective_at, t.details::jsonb
          FROM unnest(transfer_ids, principals, keys, fingerprints, kinds, parent_ids, effective_ats, details_texts)
               AS t (id, principal, key, fingerprint, kind, parent_id, effective_at, details)
         ORDER BY t.principal, t.key
            ON CONFLICT (principal, key) DO NOTHING
        RETURNING id)
    SELECT coalesce(array_agg(id), '{}') INTO fresh FROM inserted;

    all_fresh := cardinality(fresh) = cardinality(transfer_ids);
    IF NOT all_fresh THEN
        -- A statement of its own, since the snapshot of the INSERT cannot see the twin that it waited for.
        FOR known IN
            SELECT a.position::int, w.id, w.effective_at, w.details, w.state, w.refusal,
                   w.fingerprint = a.fingerprint AS is_same
              FROM unnest(transfer_ids, principals, keys, fingerprints)
                   WITH ORDINALITY AS a (id, principal, key, fingerprint, position)
              JOIN wallet.transfer w ON w.principal = a.principal AND w.key = a.key
             WHERE a.id <> ALL (fresh)
             ORDER BY a.position
        LOOP
            IF NOT known.is_same THEN
                RAISE EXCEPTION 'the key names another transfer' USING ERRCODE = 'unique_violation',
                    CONSTRAINT = 'uq_transfer_principal_key', DETAIL = known.position || '|';
            ELSIF known.state = 'declined' THEN
                RAISE EXCEPTION 'the transfer was declined' USING ERRCODE = 'check_violation',
                    CONSTRAINT = 'ck_transfer_declined', DETAIL = known.position || '|' || known.refusal;
            END IF;
            replay_position := known.position;
            replay_id := known.id;
            replay_effective_at := known.effective_at;
            replay_details := known.details;
            RETURN NEXT;
        END LOOP;
        IF fresh = '{}' THEN
            RETURN;
        END IF;

        SELECT array_agg(l.position), array_agg(l.id), array_agg(l.account), array_agg(l.amount)
          INTO leg_positions, leg_ids, leg_accounts, leg_amounts
          FROM unnest(leg_positions, leg_ids, leg_accounts, leg_amounts) AS l (position, id, account, amount)
         WHERE transfer_ids[l.position] = ANY (fresh);
    END IF;

    IF array_remove(parent_ids, NULL) <> '{}' THEN
        PERFORM FROM wallet.transfer_part p WHERE p.transfer_id = ANY (parent_ids)
          ORDER BY p.transfer_id, p.account_id FOR NO KEY UPDATE;
        WITH back AS (
            SELECT parent_ids[l.position] AS transfer_id, l.account_id, sum(l.amount) AS amount
              FROM unnest(leg_positions, leg_accounts, leg_amounts) AS l (position, account_id, amount)
             WHERE l.amount > 0 AND parent_ids[l.position] IS NOT NULL
             GROUP BY 1, 2
        ), taken AS (
            UPDATE wallet.transfer_part p SET refunded = p.refunded + back.amount
              FROM back WHERE p.transfer_id = back.transfer_id AND p.account_id = back.account_id
            RETURNING 1)
        SELECT (SELECT count(*) FROM back) - (SELECT count(*) FROM taken) INTO given_back;
        IF given_back <> 0 THEN
            RAISE EXCEPTION 'value would go back to who never gave it' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'ck_transfer_part_source';
        END IF;
    END IF;

    INSERT INTO wallet.transfer_part (transfer_id, account_id, position, amount)
    SELECT transfer_ids[l.position], l.account_id, min(l.place), -sum(l.amount)
      FROM unnest(leg_positions, leg_accounts, leg_amounts) WITH ORDINALITY AS l (position, account_id, amount, place)
     WHERE parent_ids[l.position] IS NULL
     GROUP BY 1, 2
    HAVING sum(l.amount) < 0;

    INSERT INTO core.event (id, name, customer_id, subject_id, occurred_at, source, caused_by, depth, trace, payload)
    SELECT e.id, e.name, e.customer_id, e.subject_id, e.occurred_at, e.source, e.caused_by, e.depth, e.trace,
           e.payload::jsonb
      FROM unnest(event_positions, event_ids, event_names, event_customers, event_subjects, event_times,
                  event_sources, event_causes, event_depths, event_traces, event_payloads)
           WITH ORDINALITY AS e (position, id, name, customer_id, subject_id, occurred_at, source, caused_by, depth,
                                 trace, payload, place)
     WHERE all_fresh OR transfer_ids[e.position] = ANY (fresh)
     ORDER BY e.place;

    -- The balances last: the shorter they are locked, the faster a hot one turns (a fifth, measured).
    PERFORM FROM wallet.balance b WHERE b.account_id = ANY (leg_accounts)
      ORDER BY b.hot, b.account_id FOR NO KEY UPDATE;

    -- Legs are summed for each transfer and account first: UPDATE ... FROM would apply one source row only.
    -- The LEFT JOIN keeps a leg whose account is missing, so that it is seen and aborts all.
    WITH leg AS (
        SELECT l.position, l.account_id, sum(l.amount)::bigint AS amount, (array_agg(l.id))[1] AS id
          FROM unnest(leg_positions, leg_ids, leg_accounts, leg_amounts) AS l (position, id, account_id, amount)
         GROUP BY l.position, l.account_id
        HAVING sum(l.amount) <> 0
    ), running AS MATERIALIZED (
        SELECT leg.position, leg.account_id, leg.amount, leg.id, b.asset, b.status, b.floor, b.held,
               (b.posted + sum(leg.amount) OVER so_far)::bigint AS balance_after,
               b.version + row_number() OVER so_far AS version
          FROM leg LEFT JOIN wallet.balance b USING (account_id)
        WINDOW so_far AS (PARTITION BY leg.account_id ORDER BY leg.position)
    ), wrong AS MATERIALIZED (
        SELECT r.position, r.account_id, r.amount,
               CASE WHEN r.asset IS NULL THEN 'fk_entry_account_id' WHEN r.status <> 'open' THEN 'ck_account_open'
                    ELSE 'ck_balance_floor' END AS broken
          FROM running r
         WHERE r.asset IS NULL OR r.status <> 'open' OR (r.amount < 0 AND r.balance_after - r.held < r.floor)
        UNION ALL
        SELECT r.position, NULL, NULL, 'ck_transfer_balanced'
          FROM running r WHERE r.asset IS NOT NULL GROUP BY r.position, r.asset HAVING sum(r.amount) <> 0
    ), written AS (
        INSERT INTO wallet.entry
               (id, transfer_id, account_id, version, amount, balance_after, effective_at, recorded_at)
        SELECT r.id, transfer_ids[r.position], r.account_id, r.version, r.amount, r.balance_after,
               effective_ats[r.position], clock_timestamp()
          FROM running r
         WHERE NOT EXISTS (SELECT FROM wrong)
         ORDER BY r.account_id, r.version
    ), moved AS (
        UPDATE wallet.balance b SET posted = last.balance_after, version = last.version
          FROM (SELECT DISTINCT ON (r.account_id) r.account_id, r.balance_after, r.version
                  FROM running r WHERE NOT EXISTS (SELECT FROM wrong)
                 ORDER BY r.account_id, r.version DESC) AS last
         WHERE b.account_id = last.account_id)
    SELECT w.position, w.account_id, w.broken INTO fault
      FROM wrong w ORDER BY w.position, w.broken = 'ck_transfer_balanced', w.amount LIMIT 1;

    IF FOUND THEN
        RAISE EXCEPTION 'transfer % breaks %', transfer_ids[fault.position], fault.broken
            USING ERRCODE = 'check_violation', CONSTRAINT = fault.broken,
                  DETAIL = fault.position || '|' || coalesce(fault.account_id::text, '');
    END IF;
END $$;
"""

TOPUPS = """
CREATE TABLE wallet.topup (
    id uuid CONSTRAINT pk_topup PRIMARY KEY,
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    customer_id uuid NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    source text NOT NULL,
    state text NOT NULL,
    provider_reference text,
    decline_code text,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT uq_topup_principal_key UNIQUE (principal, key),
    CONSTRAINT ck_topup_amount CHECK (amount_minor > 0),
    CONSTRAINT ck_topup_state CHECK (state IN ('pending', 'succeeded', 'failed', 'in_doubt'))
);
CREATE INDEX ix_topup_due_at ON wallet.topup (due_at) WHERE due_at IS NOT NULL;
"""
