"""The ledger for many currencies and rushes: shards, lots, holds, limits, and what seals need.

Entries are keyed by (transfer, account) instead of an id of their own: so a transfer's entries are found by their key,
with one index fewer on the hottest table. `wallet.post_one` posts a plain transfer by the shortest way, `wallet.post`
any number of any kind; a property test holds that both do the same. The guards against whoever writes past them are
triggers of the statement: of each row they took a fifth of a payment's time (measured).
"""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '600s'")
    op.execute(PARTITIONS)
    op.execute(EPOCHS)
    op.execute(ACCOUNTS)
    op.execute(ENTRIES)
    op.execute(LOTS)
    op.execute(HOLDS)
    op.execute(LIMITS)
    op.execute(GUARDS)
    op.execute(POST_ONE)
    op.execute(PARTS)
    op.execute(POST)


PARTITIONS = """
ALTER TABLE core.month_partitioned ADD COLUMN key_column text NOT NULL DEFAULT 'id';

CREATE OR REPLACE FUNCTION core.ensure_month_partitions(at timestamptz, ahead int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    key text;
    month timestamptz;
    child text;
    is_in_default bool;
BEGIN
    FOR parent, key IN SELECT table_name, key_column FROM core.month_partitioned ORDER BY table_name LOOP
        IF to_regclass(parent || '_default') IS NULL THEN
            EXECUTE format('CREATE TABLE %s_default PARTITION OF %s DEFAULT', parent, parent);
        END IF;
        FOR step IN 0..ahead LOOP
            month := date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => step);
            child := parent || '_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            EXECUTE format('SELECT EXISTS (SELECT FROM %s_default WHERE %I >= %L AND %I < %L)', parent,
                key, core.uuidv7_floor(month), key, core.uuidv7_floor(month + interval '1 month')) INTO is_in_default;
            IF is_in_default THEN
                RAISE WARNING 'Rows of % stand in %_default: no partition is made for them', child, parent;
                CONTINUE;
            END IF;
            EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', child, parent,
                core.uuidv7_floor(month), core.uuidv7_floor(month + interval '1 month'));
        END LOOP;
    END LOOP;
END $$;
"""

EPOCHS = """
-- The tables whose rows say in which cluster's life they were written (their column `epoch`).
CREATE TABLE core.epoch_kept (table_name text CONSTRAINT pk_epoch_kept PRIMARY KEY);
INSERT INTO core.epoch_kept VALUES ('core.event'), ('wallet.transfer');

ALTER TABLE wallet.transfer
    ADD COLUMN hold_id uuid,
    ADD COLUMN epoch int NOT NULL DEFAULT 1,
    ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    -- Read anew for each transfer; only the posting and the declining write the two, and the audit asks for them.
    DROP CONSTRAINT ck_transfer_state;
CREATE INDEX ix_transfer_epoch_xid ON wallet.transfer (epoch, xid);

DO $$ BEGIN
    EXECUTE format('ALTER TABLE wallet.transfer ALTER COLUMN epoch SET DEFAULT %s', coalesce(core.current_epoch(), 1));
END $$;
"""

ACCOUNTS = """
-- Frozen: nothing may leave it. An account without a floor may be spread over shards, so that many can post at once.
ALTER TABLE wallet.account
    ADD COLUMN has_lots boolean NOT NULL DEFAULT false,
    ADD COLUMN shards smallint NOT NULL DEFAULT 1,
    ADD CONSTRAINT ck_account_shards CHECK (shards = 1 OR shards BETWEEN 2 AND 64 AND floor IS NULL AND NOT has_lots),
    DROP CONSTRAINT ck_account_status,
    ADD CONSTRAINT ck_account_status CHECK (status IN ('open', 'frozen', 'closed'));

ALTER TABLE wallet.balance
    ADD COLUMN shard smallint NOT NULL DEFAULT 0,
    ADD COLUMN has_lots boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT pk_balance,
    ADD CONSTRAINT pk_balance PRIMARY KEY (account_id, shard),
    DROP CONSTRAINT ck_balance_held,
    DROP CONSTRAINT ck_balance_floor,
    ADD CONSTRAINT ck_balance_floor CHECK (held >= 0 AND (floor IS NULL OR posted - held >= floor));

UPDATE wallet.account SET shards = 16 WHERE hot AND floor IS NULL;
INSERT INTO wallet.balance (account_id, shard, asset, status, hot, floor)
SELECT id, shard, asset, status, hot, floor FROM wallet.account, generate_series(1, 15) shard WHERE shards = 16;
"""

ENTRIES = """
ALTER TABLE wallet.entry RENAME TO entry_before;
ALTER TABLE wallet.entry_before RENAME CONSTRAINT pk_entry TO pk_entry_before;
DO $$
DECLARE part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'wallet.entry_before'::regclass LOOP
        EXECUTE format('ALTER TABLE %s RENAME TO %I', part,
                       replace(split_part(part::text, '.', 2), 'entry_', 'entry_before_'));
    END LOOP;
END $$;

-- What one transfer did to one account. `version` and `balance_after` count within the account's shard.
CREATE TABLE wallet.entry (
    transfer_id uuid NOT NULL,
    account_id uuid NOT NULL,
    shard smallint NOT NULL,
    version bigint NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    effective_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_entry PRIMARY KEY (transfer_id, account_id)
) PARTITION BY RANGE (transfer_id);
CREATE INDEX ix_entry_account_id_transfer_id ON wallet.entry (account_id, transfer_id);

UPDATE core.month_partitioned SET key_column = 'transfer_id' WHERE table_name = 'wallet.entry';
SELECT core.ensure_month_partitions(clock_timestamp(), 3);

INSERT INTO wallet.entry
       (transfer_id, account_id, shard, version, amount, balance_after, effective_at, recorded_at)
SELECT transfer_id, account_id, 0, version, amount, balance_after, effective_at, recorded_at FROM wallet.entry_before;
DROP TABLE wallet.entry_before;
"""

LOTS = """
-- Value of one origin and one expiry on an account whose value can lapse. `held`: promised to holds, so not to lapse.
CREATE TABLE wallet.lot (
    id uuid CONSTRAINT pk_lot PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT fk_lot_account_id REFERENCES wallet.account (id),
    source text NOT NULL,
    amount bigint NOT NULL,
    remaining bigint NOT NULL,
    held bigint NOT NULL DEFAULT 0,
    expires_at timestamptz,
    warned_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT ck_lot_amount CHECK (amount > 0),
    CONSTRAINT ck_lot_held CHECK (held >= 0),
    CONSTRAINT ck_lot_remaining CHECK (remaining >= held AND remaining <= amount)
) WITH (fillfactor = 80);
CREATE INDEX ix_lot_account_id ON wallet.lot (account_id) WHERE remaining > 0;
CREATE INDEX ix_lot_expires_at ON wallet.lot (expires_at) WHERE remaining > 0;
CREATE INDEX ix_lot_unwarned ON wallet.lot (expires_at) WHERE remaining > 0 AND warned_at IS NULL;

-- Each lot's journal: a negative amount was taken from it, and `refunded` of that has gone back.
CREATE TABLE wallet.lot_move (
    transfer_id uuid NOT NULL,
    lot_id uuid NOT NULL,
    amount bigint NOT NULL,
    refunded bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_lot_move PRIMARY KEY (transfer_id, lot_id),
    CONSTRAINT ck_lot_move_amount CHECK (amount <> 0),
    CONSTRAINT ck_lot_move_refunded CHECK (refunded >= 0),
    CONSTRAINT ck_lot_move_refund_cap CHECK (refunded <= greatest(-amount, 0))
) WITH (fillfactor = 90);
CREATE INDEX ix_lot_move_lot_id ON wallet.lot_move (lot_id);
"""

HOLDS = """
-- A hold is a transfer of kind "hold" without entries, by whose key it is placed once.
CREATE TABLE wallet.hold (
    id uuid CONSTRAINT pk_hold PRIMARY KEY
        CONSTRAINT fk_hold_id REFERENCES wallet.transfer (id) DEFERRABLE INITIALLY DEFERRED,
    kind text NOT NULL,
    customer_id uuid NOT NULL,
    merchant_id uuid,
    currency text NOT NULL,
    amount bigint NOT NULL,
    captured bigint NOT NULL DEFAULT 0,
    voided bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL,
    ended_by text,
    ended_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT ck_hold_amount CHECK (amount > 0),
    CONSTRAINT ck_hold_captured CHECK (captured >= 0),
    CONSTRAINT ck_hold_voided CHECK (voided >= 0),
    CONSTRAINT ck_hold_cap CHECK (captured + voided <= amount),
    CONSTRAINT ck_hold_ended CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
    CONSTRAINT ck_hold_ended_by CHECK (ended_by IN ('captured', 'voided', 'expired'))
) WITH (fillfactor = 80);
CREATE INDEX ix_hold_expires_at ON wallet.hold (expires_at) WHERE ended_at IS NULL;
CREATE INDEX ix_hold_customer_id_id ON wallet.hold (customer_id, id);
CREATE INDEX ix_hold_merchant_id_id ON wallet.hold (merchant_id, id) WHERE merchant_id IS NOT NULL;

-- What each source promised to a hold, a lot at a time where it has lots.
CREATE TABLE wallet.hold_part (
    hold_id uuid NOT NULL CONSTRAINT fk_hold_part_hold_id REFERENCES wallet.hold (id),
    place smallint NOT NULL,
    account_id uuid NOT NULL,
    lot_id uuid,
    amount bigint NOT NULL,
    captured bigint NOT NULL DEFAULT 0,
    released bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_hold_part PRIMARY KEY (hold_id, place),
    CONSTRAINT ck_hold_part_amount CHECK (amount > 0),
    CONSTRAINT ck_hold_part_captured CHECK (captured >= 0),
    CONSTRAINT ck_hold_part_released CHECK (released >= 0),
    CONSTRAINT ck_hold_part_cap CHECK (captured + released <= amount)
) WITH (fillfactor = 80);

-- Each hold's journal: `held` is what the transfer added to what is held, `captured` what of it was taken.
CREATE TABLE wallet.hold_move (
    transfer_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    place smallint NOT NULL,
    held bigint NOT NULL,
    captured bigint NOT NULL,
    CONSTRAINT pk_hold_move PRIMARY KEY (transfer_id, hold_id, place),
    CONSTRAINT ck_hold_move_held CHECK (held <> 0),
    CONSTRAINT ck_hold_move_captured CHECK (captured BETWEEN 0 AND greatest(-held, 0))
);
CREATE INDEX ix_hold_move_hold_id ON wallet.hold_move (hold_id);
"""

LIMITS = """
-- What the wallet knows of a customer. Who is not in it is of the tier "basic".
CREATE TABLE wallet.holder (
    customer_id uuid CONSTRAINT pk_holder PRIMARY KEY,
    tier text NOT NULL DEFAULT 'basic',
    updated_at timestamptz NOT NULL,
    CONSTRAINT ck_holder_tier CHECK (tier IN ('basic', 'verified', 'enhanced'))
);

-- What a tier may do in one asset; NULL for no limit. `ceiling`: the most that may stand on the customer's cash.
CREATE TABLE wallet.limit_rule (
    tier text NOT NULL,
    scope text NOT NULL,
    asset text NOT NULL CONSTRAINT fk_limit_rule_asset REFERENCES wallet.asset (code),
    per_transfer bigint,
    per_day bigint,
    per_month bigint,
    count_per_hour int,
    ceiling bigint,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_limit_rule PRIMARY KEY (tier, scope, asset),
    CONSTRAINT ck_limit_rule_tier CHECK (tier IN ('basic', 'verified', 'enhanced')),
    CONSTRAINT ck_limit_rule_scope CHECK (scope IN ('pay', 'send', 'load')),
    CONSTRAINT ck_limit_rule_amounts CHECK (per_transfer >= 0 AND per_day >= 0 AND per_month >= 0
        AND count_per_hour >= 0 AND ceiling >= 0),
    CONSTRAINT ck_limit_rule_ceiling CHECK (ceiling IS NULL OR scope = 'load')
);

-- What a customer has used of the hour, day and month that began then, in the brand's time zone. One row, always
-- changed in place; a period that has passed counts as nothing.
CREATE TABLE wallet.usage (
    customer_id uuid NOT NULL,
    scope text NOT NULL,
    asset text NOT NULL,
    hour timestamp NOT NULL,
    hour_count int NOT NULL,
    day date NOT NULL,
    day_amount bigint NOT NULL,
    month date NOT NULL,
    month_amount bigint NOT NULL,
    CONSTRAINT pk_usage PRIMARY KEY (customer_id, scope, asset)
) WITH (fillfactor = 50);

CREATE FUNCTION wallet.refuse_over_limit(
    place int, name text, maximum bigint, remaining bigint, asset text, renews timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the limit % is reached', name USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_usage_limit',
        DETAIL = place || '|' || json_build_object('limit', name, 'maximum', maximum, 'left', greatest(remaining, 0),
            'currency', asset, 'renews_at', to_char(renews AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
END $$;

-- Counts one deed of a customer and refuses it over a limit of their tier. A clock that runs behind what was counted
-- before renews nothing: the later period goes on.
CREATE FUNCTION wallet.count_usage(
    place int, customer uuid, used_scope text, used_asset text, amount bigint, at timestamptz, zone text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    local timestamp := at AT TIME ZONE zone;
    used wallet.usage;
    rule wallet.limit_rule;
BEGIN
    SELECT r.* INTO rule FROM wallet.limit_rule r
     WHERE r.scope = used_scope AND r.asset = used_asset
       AND r.tier = coalesce((SELECT h.tier FROM wallet.holder h WHERE h.customer_id = customer), 'basic');
    IF amount > rule.per_transfer THEN
        PERFORM wallet.refuse_over_limit(place, 'per_transfer', rule.per_transfer, rule.per_transfer, used_asset, NULL);
    END IF;

    INSERT INTO wallet.usage AS u VALUES (customer, used_scope, used_asset, date_trunc('hour', local), 1,
                                          local::date, amount, date_trunc('month', local)::date, amount)
        ON CONFLICT (customer_id, scope, asset) DO UPDATE SET
           hour = greatest(u.hour, excluded.hour),
           hour_count = CASE WHEN u.hour >= excluded.hour THEN u.hour_count ELSE 0 END + 1,
           day = greatest(u.day, excluded.day),
           day_amount = CASE WHEN u.day >= excluded.day THEN u.day_amount ELSE 0 END + excluded.day_amount,
           month = greatest(u.month, excluded.month),
           month_amount = CASE WHEN u.month >= excluded.month THEN u.month_amount ELSE 0 END + excluded.month_amount
    RETURNING * INTO used;

    IF used.hour_count > rule.count_per_hour THEN
        PERFORM wallet.refuse_over_limit(place, 'count_per_hour', rule.count_per_hour,
            rule.count_per_hour - used.hour_count + 1, NULL, (used.hour + interval '1 hour') AT TIME ZONE zone);
    ELSIF used.day_amount > rule.per_day THEN
        PERFORM wallet.refuse_over_limit(place, 'per_day', rule.per_day, rule.per_day - used.day_amount + amount,
            used_asset, (used.day + 1)::timestamp AT TIME ZONE zone);
    ELSIF used.month_amount > rule.per_month THEN
        PERFORM wallet.refuse_over_limit(place, 'per_month', rule.per_month,
            rule.per_month - used.month_amount + amount, used_asset,
            (used.month + interval '1 month') AT TIME ZONE zone);
    END IF;
END $$;

-- Refuses what would stand on a customer's cash above the most that their tier may have there.
CREATE FUNCTION wallet.check_ceiling(place int, customer uuid, held_asset text, standing bigint, amount bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    most bigint;
BEGIN
    SELECT r.ceiling INTO most FROM wallet.limit_rule r
     WHERE r.scope = 'load' AND r.asset = held_asset
       AND r.tier = coalesce((SELECT h.tier FROM wallet.holder h WHERE h.customer_id = customer), 'basic');
    IF standing > most THEN
        PERFORM wallet.refuse_over_limit(place, 'ceiling', most, most - standing + amount, held_asset, NULL);
    END IF;
END $$;
"""

GUARDS = """
DROP TRIGGER transfer_only_posted ON wallet.transfer;
DROP TRIGGER transfer_part_only_posted ON wallet.transfer_part;
DROP TRIGGER balance_only_posted ON wallet.balance;

CREATE TRIGGER entry_written_once BEFORE UPDATE OR DELETE ON wallet.entry
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER lot_move_kept BEFORE DELETE ON wallet.lot_move FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER lot_move_written_once BEFORE UPDATE ON wallet.lot_move FOR EACH ROW
    WHEN ((OLD.transfer_id, OLD.lot_id, OLD.amount) <> (NEW.transfer_id, NEW.lot_id, NEW.amount))
    EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER hold_move_written_once BEFORE UPDATE OR DELETE ON wallet.hold_move
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();

DO $$
DECLARE
    guarded text[];
BEGIN
    FOREACH guarded SLICE 1 IN ARRAY ARRAY[
        ['entry', 'INSERT'], ['lot_move', 'INSERT OR UPDATE'], ['hold_move', 'INSERT'],
        ['hold_part', 'INSERT OR UPDATE OR DELETE'], ['lot', 'INSERT OR UPDATE OF remaining, held OR DELETE'],
        ['transfer_part', 'UPDATE'], ['balance', 'UPDATE OF posted, held, version']]
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE %s ON wallet.%I FOR EACH STATEMENT
            WHEN (current_setting(''wallet.posting'', true) IS DISTINCT FROM ''on'')
            EXECUTE FUNCTION wallet.refuse_unposted()', guarded[1] || '_only_posted', guarded[2], guarded[1]);
    END LOOP;
END $$;
"""

POST_ONE = """
-- Names what is wrong with a leg of a plain transfer, if anything is.
CREATE FUNCTION wallet.refuse_leg(account uuid, found wallet.balance, amount bigint, wanted_asset text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF found.account_id IS NULL THEN
        RAISE EXCEPTION 'there is no such account' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'fk_entry_account_id', DETAIL = '1|' || account;
    ELSIF found.status <> 'open' AND (found.status = 'closed' OR amount < 0) THEN
        RAISE EXCEPTION 'the account is %', found.status USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ck_account_' || found.status, DETAIL = '1|' || account;
    ELSIF found.has_lots OR found.asset <> wanted_asset THEN
        RAISE EXCEPTION 'not a plain transfer' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ck_transfer_plain', DETAIL = '1|' || account;
    END IF;
END $$;

-- Posts one plain transfer between two accounts of one asset, by the shortest way; false when its key is taken: then
-- `wallet.post` answers. The accounts come in the order in which they are locked, (hot last, id); `_amount` is what the
-- first one gets, or gives when it is negative. Each statement left out, and each constraint on what one writes, is
-- felt: PostgreSQL reads a check and a trigger's condition anew for each statement (a fifth of the time, measured).
CREATE FUNCTION wallet.post_one(
    _id uuid, _principal text, _key text, _fingerprint bytea, _kind text, _at timestamptz, _details jsonb, _asset text,
    _first uuid, _first_shard smallint, _amount bigint, _second uuid, _second_shard smallint,
    _limit_customer uuid DEFAULT NULL, _limit_scope text DEFAULT NULL, _limit_asset text DEFAULT NULL,
    _limit_amount bigint DEFAULT NULL, _zone text DEFAULT NULL,
    _event_id uuid DEFAULT NULL, _event_name text DEFAULT NULL, _event_customer uuid DEFAULT NULL,
    _event_subject text DEFAULT NULL, _event_at timestamptz DEFAULT NULL, _event_source text DEFAULT NULL,
    _event_cause uuid DEFAULT NULL, _event_depth smallint DEFAULT NULL, _event_trace text DEFAULT NULL,
    _event_payload jsonb DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql SET wallet.posting = 'on' AS $$
DECLARE
    one wallet.balance;
    other wallet.balance;
BEGIN
    INSERT INTO wallet.transfer (id, principal, key, fingerprint, kind, effective_at, details)
    VALUES (_id, _principal, _key, _fingerprint, _kind, _at, _details)
        ON CONFLICT (principal, key) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    IF _limit_customer IS NOT NULL THEN
        PERFORM wallet.count_usage(1, _limit_customer, _limit_scope, _limit_asset, _limit_amount, _at, _zone);
    END IF;
    IF _event_id IS NOT NULL THEN
        INSERT INTO core.event
               (id, name, customer_id, subject_id, occurred_at, source, caused_by, depth, trace, payload)
        VALUES (_event_id, _event_name, _event_customer, _event_subject, _event_at, _event_source, _event_cause,
                _event_depth, _event_trace, _event_payload);
    END IF;

    UPDATE wallet.balance SET posted = posted + _amount, version = version + 1
     WHERE account_id = _first AND shard = _first_shard RETURNING * INTO one;
    UPDATE wallet.balance SET posted = posted - _amount, version = version + 1
     WHERE account_id = _second AND shard = _second_shard RETURNING * INTO other;
    IF (one.status = 'open' AND other.status = 'open' AND one.asset = _asset AND other.asset = _asset
        AND NOT one.has_lots AND NOT other.has_lots) IS NOT TRUE THEN
        PERFORM wallet.refuse_leg(_first, one, _amount, _asset);
        PERFORM wallet.refuse_leg(_second, other, -_amount, _asset);
    END IF;

    INSERT INTO wallet.entry (transfer_id, account_id, shard, version, amount, balance_after, effective_at, recorded_at)
    VALUES (_id, _first, _first_shard, one.version, _amount, one.posted, _at, clock_timestamp()),
           (_id, _second, _second_shard, other.version, -_amount, other.posted, _at, clock_timestamp());
    RETURN true;
END $$;
"""

PARTS = """
-- A transfer with one source has its part made when first it gives back: nearly none ever does.
CREATE FUNCTION wallet.open_parts(transfer_ids uuid[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO wallet.transfer_part (transfer_id, account_id, position, amount)
    SELECT e.transfer_id, e.account_id, 1, -e.amount
      FROM unnest(transfer_ids) AS asked (id)
      JOIN wallet.transfer t ON t.id = asked.id AND t.parent_id IS NULL
      JOIN wallet.entry e ON e.transfer_id = t.id AND e.amount < 0
     ORDER BY e.transfer_id, e.account_id
        ON CONFLICT DO NOTHING
$$;

-- What each source gave to a transfer, whether its part has been made or not.
CREATE VIEW wallet.source AS
SELECT e.transfer_id, e.account_id, coalesce(p.position, 1) AS position, -e.amount AS amount,
       coalesce(p.refunded, 0) AS refunded
  FROM wallet.entry e
  LEFT JOIN wallet.transfer_part p ON p.transfer_id = e.transfer_id AND p.account_id = e.account_id
 WHERE e.amount < 0;
"""

POST = """
DROP FUNCTION wallet.post;

-- Posts any number of transfers, all or none, and returns those that had been posted under their key before.
-- Positions count transfers from 1; a leg's shard may be left to be looked up.
-- Locks: transfers by key, usage by customer, parts by transfer, holds, lots, then balances by (hot last, id, shard).
-- A fault names its constraint, and as detail "position|account", "position|facts"
-- of a limit, or a declined transfer's kept refusal.
-- lots   [{"position", "lot", "account", "amount", "source", "expires_at", "origin"}]: with a source it is a new lot;
--        origin is the lot of the parent's transfer that this gives back to
-- holds  [{"position", "hold", "place", "account", "lot", "held", "captured"}]: a positive `held` is a new part
-- limits [{"position", "customer", "scope", "asset", "amount", "account"}]: account is the cash below the ceiling
CREATE FUNCTION wallet.post(
    transfer_ids uuid[], principals text[], keys text[], fingerprints bytea[], kinds text[], parent_ids uuid[],
    hold_ids uuid[], effective_ats timestamptz[], details_texts text[],
    leg_positions int[], leg_accounts uuid[], leg_shards smallint[], leg_amounts bigint[],
    lots jsonb, holds jsonb, limits jsonb, zone text,
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
        INSERT INTO wallet.transfer (id, principal, key, fingerprint, kind, parent_id, hold_id, effective_at, details)
        SELECT t.id, t.principal, t.key, t.fingerprint, t.kind, t.parent_id, t.hold_id, t.effective_at,
               t.details::jsonb
          FROM unnest(transfer_ids, principals, keys, fingerprints, kinds, parent_ids, hold_ids, effective_ats,
                      details_texts)
               AS t (id, principal, key, fingerprint, kind, parent_id, hold_id, effective_at, details)
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

        SELECT array_agg(l.position), array_agg(l.account), array_agg(l.shard), array_agg(l.amount)
          INTO leg_positions, leg_accounts, leg_shards, leg_amounts
          FROM unnest(leg_positions, leg_accounts, leg_shards, leg_amounts) AS l (position, account, shard, amount)
         WHERE transfer_ids[l.position] = ANY (fresh);
        lots := wallet.only_fresh(lots, transfer_ids, fresh);
        holds := wallet.only_fresh(holds, transfer_ids, fresh);
        limits := wallet.only_fresh(limits, transfer_ids, fresh);
    END IF;

    IF limits IS NOT NULL THEN
        PERFORM wallet.count_usage(l.position, l.customer, l.scope, l.asset, l.amount, effective_ats[l.position], zone)
           FROM (SELECT * FROM jsonb_to_recordset(limits)
                     AS l (position int, customer uuid, scope text, asset text, amount bigint)
                  ORDER BY l.customer, l.scope, l.asset, l.position) l;
    END IF;

    IF array_remove(parent_ids, NULL) <> '{}' THEN
        PERFORM wallet.open_parts(parent_ids);
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

    -- Two legs that sum to zero have one source at most.
    IF EXISTS (SELECT FROM unnest(leg_positions) AS l (position) GROUP BY l.position HAVING count(*) > 2) THEN
        INSERT INTO wallet.transfer_part (transfer_id, account_id, position, amount)
        SELECT s.transfer_id, s.account_id, s.place, s.amount
          FROM (SELECT transfer_ids[l.position] AS transfer_id, l.account_id, min(l.place) AS place,
                       -sum(l.amount) AS amount, count(*) OVER (PARTITION BY l.position) AS sources
                  FROM unnest(leg_positions, leg_accounts, leg_amounts)
                       WITH ORDINALITY AS l (position, account_id, amount, place)
                 WHERE parent_ids[l.position] IS NULL
                 GROUP BY l.position, l.account_id
                HAVING sum(l.amount) < 0) s
         WHERE s.sources > 1;
    END IF;

    INSERT INTO core.event (id, name, customer_id, subject_id, occurred_at, source, caused_by, depth, trace, payload)
    SELECT e.id, e.name, e.customer_id, e.subject_id, e.occurred_at, e.source, e.caused_by, e.depth, e.trace,
           e.payload::jsonb
      FROM unnest(event_positions, event_ids, event_names, event_customers, event_subjects, event_times,
                  event_sources, event_causes, event_depths, event_traces, event_payloads)
           WITH ORDINALITY AS e (position, id, name, customer_id, subject_id, occurred_at, source, caused_by, depth,
                                 trace, payload, place)
     WHERE all_fresh OR transfer_ids[e.position] = ANY (fresh)
     ORDER BY e.place;

    IF holds IS NOT NULL THEN
        PERFORM wallet.move_holds(holds, transfer_ids);
    END IF;
    IF lots IS NOT NULL THEN
        PERFORM wallet.move_lots(lots, transfer_ids, parent_ids, effective_ats);
    END IF;

    IF array_position(leg_shards, NULL) IS NOT NULL THEN
        SELECT array_agg(coalesce(get_byte(uuid_send(transfer_ids[l.position]), 15) % a.shards, 0) ORDER BY l.place)
          INTO leg_shards
          FROM unnest(leg_positions, leg_accounts) WITH ORDINALITY AS l (position, account_id, place)
          LEFT JOIN wallet.account a ON a.id = l.account_id;
    END IF;

    -- The balances last: the shorter they are locked, the faster a hot one turns (a fifth, measured).
    PERFORM FROM wallet.balance b
       JOIN (SELECT DISTINCT l.account_id, l.shard FROM unnest(leg_accounts, leg_shards) AS l (account_id, shard)
             UNION
             SELECT h.account, 0 FROM jsonb_to_recordset(holds) AS h (account uuid)) AS wanted
         ON wanted.account_id = b.account_id AND wanted.shard = b.shard
      ORDER BY b.hot, b.account_id, b.shard FOR NO KEY UPDATE OF b;

    IF holds IS NOT NULL THEN
        PERFORM wallet.hold_balances(holds);
    END IF;

    -- Legs are summed for each transfer and account first: UPDATE ... FROM would apply one source row only.
    -- The LEFT JOIN keeps a leg whose account is missing, so that it is seen and aborts all.
    WITH leg AS (
        SELECT l.position, l.account_id, min(l.shard) AS shard, sum(l.amount)::bigint AS amount
          FROM unnest(leg_positions, leg_accounts, leg_shards, leg_amounts) AS l (position, account_id, shard, amount)
         GROUP BY l.position, l.account_id
        HAVING sum(l.amount) <> 0
    ), running AS MATERIALIZED (
        SELECT leg.position, leg.account_id, leg.shard, leg.amount, b.asset, b.status, b.floor, b.held, b.has_lots,
               (b.posted + sum(leg.amount) OVER so_far)::bigint AS balance_after,
               b.version + row_number() OVER so_far AS version
          FROM leg LEFT JOIN wallet.balance b ON b.account_id = leg.account_id AND b.shard = leg.shard
        WINDOW so_far AS (PARTITION BY leg.account_id, leg.shard ORDER BY leg.position)
    ), lot_change AS MATERIALIZED (
        SELECT m.position, m.account, sum(m.amount) AS amount
          FROM jsonb_to_recordset(lots) AS m (position int, account uuid, amount bigint)
         GROUP BY 1, 2
    ), wrong AS MATERIALIZED (
        SELECT r.position, r.account_id, r.amount,
               CASE WHEN r.asset IS NULL THEN 'fk_entry_account_id'
                    WHEN r.status <> 'open' THEN 'ck_account_' || r.status
                    ELSE 'ck_balance_floor' END AS broken
          FROM running r
         WHERE r.asset IS NULL OR r.status = 'closed' OR (r.status = 'frozen' AND r.amount < 0)
            OR (r.amount < 0 AND r.balance_after - r.held < r.floor)
        UNION ALL
        SELECT r.position, NULL, NULL, 'ck_transfer_balanced'
          FROM running r WHERE r.asset IS NOT NULL GROUP BY r.position, r.asset HAVING sum(r.amount) <> 0
        UNION ALL
        SELECT r.position, r.account_id, r.amount, 'ck_entry_lots'
          FROM running r
          LEFT JOIN lot_change m ON m.position = r.position AND m.account = r.account_id
         WHERE r.has_lots AND r.amount IS DISTINCT FROM m.amount
    ), written AS (
        INSERT INTO wallet.entry
               (transfer_id, account_id, shard, version, amount, balance_after, effective_at, recorded_at)
        SELECT transfer_ids[r.position], r.account_id, r.shard, r.version, r.amount, r.balance_after,
               effective_ats[r.position], clock_timestamp()
          FROM running r
         WHERE NOT EXISTS (SELECT FROM wrong)
         ORDER BY r.account_id, r.shard, r.version
    ), moved AS (
        UPDATE wallet.balance b SET posted = last.balance_after, version = last.version
          FROM (SELECT DISTINCT ON (r.account_id, r.shard) r.account_id, r.shard, r.balance_after, r.version
                  FROM running r WHERE NOT EXISTS (SELECT FROM wrong)
                 ORDER BY r.account_id, r.shard, r.version DESC) AS last
         WHERE b.account_id = last.account_id AND b.shard = last.shard)
    SELECT w.position, w.account_id, w.broken INTO fault
      FROM wrong w ORDER BY w.position, w.broken = 'ck_transfer_balanced', w.amount LIMIT 1;

    IF FOUND THEN
        RAISE EXCEPTION 'transfer % breaks %', transfer_ids[fault.position], fault.broken
            USING ERRCODE = 'check_violation', CONSTRAINT = fault.broken,
                  DETAIL = fault.position || '|' || coalesce(fault.account_id::text, '');
    END IF;

    IF limits IS NOT NULL THEN
        PERFORM wallet.check_ceiling(l.position, l.customer, l.asset, b.posted, l.amount)
           FROM jsonb_to_recordset(limits)
                AS l (position int, customer uuid, scope text, asset text, amount bigint, account uuid)
           JOIN wallet.balance b ON b.account_id = l.account
          WHERE l.scope = 'load';
    END IF;
END $$;

CREATE FUNCTION wallet.only_fresh(rows jsonb, transfer_ids uuid[], fresh uuid[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(r) FROM jsonb_array_elements(rows) r
     WHERE transfer_ids[(r ->> 'position')::int] = ANY (fresh)
$$;

-- Always by their keys: the planner takes any JSON for a hundred rows, and rather reads some thousand lots or parts
-- whole; a capture took four times as long so (measured at 3 000). In all of `wallet.post` it would slow batches down.
CREATE FUNCTION wallet.move_holds(holds jsonb, transfer_ids uuid[]) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    wanted int;
    found_parts int;
BEGIN
    INSERT INTO wallet.hold_part (hold_id, place, account_id, lot_id, amount)
    SELECT h.hold, h.place, h.account, h.lot, h.held
      FROM jsonb_to_recordset(holds) AS h (hold uuid, place smallint, account uuid, lot uuid, held bigint)
     WHERE h.held > 0;

    PERFORM FROM wallet.hold_part p
       JOIN jsonb_to_recordset(holds) AS h (hold uuid, place smallint) ON h.hold = p.hold_id AND h.place = p.place
      ORDER BY p.hold_id, p.place FOR NO KEY UPDATE OF p;
    WITH ended AS (
        SELECT h.hold, h.place, h.account, h.lot, sum(h.captured) AS captured, sum(-h.held - h.captured) AS released
          FROM jsonb_to_recordset(holds)
               AS h (hold uuid, place smallint, account uuid, lot uuid, held bigint, captured bigint)
         WHERE h.held < 0
         GROUP BY 1, 2, 3, 4
    ), changed AS (
        UPDATE wallet.hold_part p SET captured = p.captured + e.captured, released = p.released + e.released
          FROM ended e
         WHERE p.hold_id = e.hold AND p.place = e.place AND p.account_id = e.account
           AND p.lot_id IS NOT DISTINCT FROM e.lot
        RETURNING 1)
    SELECT (SELECT count(*) FROM ended), (SELECT count(*) FROM changed) INTO wanted, found_parts;
    IF wanted <> found_parts THEN
        RAISE EXCEPTION 'no such part of the hold' USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_hold_part_known';
    END IF;

    INSERT INTO wallet.hold_move (transfer_id, hold_id, place, held, captured)
    SELECT transfer_ids[h.position], h.hold, h.place, h.held, h.captured
      FROM jsonb_to_recordset(holds) AS h (position int, hold uuid, place smallint, held bigint, captured bigint);

    PERFORM FROM wallet.lot l JOIN jsonb_to_recordset(holds) AS h (lot uuid) ON h.lot = l.id
      ORDER BY l.id FOR NO KEY UPDATE OF l;
    UPDATE wallet.lot l SET held = l.held + h.held
      FROM (SELECT lot, sum(held) AS held FROM jsonb_to_recordset(holds) AS h (lot uuid, held bigint)
             WHERE lot IS NOT NULL GROUP BY lot) h
     WHERE l.id = h.lot;
END $$;

CREATE FUNCTION wallet.hold_balances(holds jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    refused record;
BEGIN
    SELECT h.position, h.account,
           CASE WHEN b.account_id IS NULL THEN 'fk_entry_account_id' ELSE 'ck_account_' || b.status END AS broken
      INTO refused
      FROM jsonb_to_recordset(holds) AS h (position int, account uuid, held bigint)
      LEFT JOIN wallet.balance b ON b.account_id = h.account AND b.shard = 0
     WHERE b.account_id IS NULL OR (h.held > 0 AND b.status <> 'open')
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'nothing can be held there' USING ERRCODE = 'check_violation',
            CONSTRAINT = refused.broken, DETAIL = refused.position || '|' || refused.account;
    END IF;

    UPDATE wallet.balance b SET held = b.held + h.held
      FROM (SELECT account, sum(held) AS held FROM jsonb_to_recordset(holds) AS h (account uuid, held bigint)
             GROUP BY account) h
     WHERE b.account_id = h.account AND b.shard = 0;
END $$;

CREATE FUNCTION wallet.move_lots(lots jsonb, transfer_ids uuid[], parent_ids uuid[], effective_ats timestamptz[])
RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    wanted int;
    found_moves int;
BEGIN
    INSERT INTO wallet.lot (id, account_id, source, amount, remaining, expires_at, created_at)
    SELECT m.lot, m.account, m.source, m.amount, m.amount, m.expires_at, effective_ats[m.position]
      FROM jsonb_to_recordset(lots) AS m (position int, lot uuid, account uuid, source text, amount bigint,
                                          expires_at timestamptz)
     WHERE m.source IS NOT NULL;

    PERFORM FROM wallet.lot l JOIN jsonb_to_recordset(lots) AS m (lot uuid) ON m.lot = l.id
      ORDER BY l.id FOR NO KEY UPDATE OF l;
    WITH change AS (
        SELECT m.lot, m.account, sum(m.amount) AS amount
          FROM jsonb_to_recordset(lots) AS m (lot uuid, account uuid, source text, amount bigint)
         WHERE m.source IS NULL GROUP BY 1, 2
    ), changed AS (
        UPDATE wallet.lot l SET remaining = l.remaining + c.amount
          FROM change c WHERE l.id = c.lot AND l.account_id = c.account
        RETURNING 1)
    SELECT (SELECT count(*) FROM change), (SELECT count(*) FROM changed) INTO wanted, found_moves;
    IF wanted <> found_moves THEN
        RAISE EXCEPTION 'no such lot on the account' USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_lot_known';
    END IF;

    INSERT INTO wallet.lot_move (transfer_id, lot_id, amount)
    SELECT transfer_ids[m.position], m.lot, m.amount
      FROM jsonb_to_recordset(lots) AS m (position int, lot uuid, amount bigint);

    WITH back AS (
        SELECT parent_ids[m.position] AS transfer_id, m.origin, sum(m.amount) AS amount
          FROM jsonb_to_recordset(lots) AS m (position int, origin uuid, amount bigint)
         WHERE m.origin IS NOT NULL
         GROUP BY 1, 2
    ), taken AS (
        UPDATE wallet.lot_move m SET refunded = m.refunded + back.amount
          FROM back WHERE m.transfer_id = back.transfer_id AND m.lot_id = back.origin
        RETURNING 1)
    SELECT (SELECT count(*) FROM back), (SELECT count(*) FROM taken) INTO wanted, found_moves;
    IF wanted <> found_moves THEN
        RAISE EXCEPTION 'value would go back to a lot that never gave it' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ck_transfer_part_source';
    END IF;
END $$;
"""
