"""The hot path's functions, once more.

`core.slot_of` runs for each event's generated column. As SQL its body was parsed and planned anew for each statement
that wrote one, which took a ninth of a payment's time in the database (measured); PL/pgSQL keeps it.

`rewards.redeem` also takes a generic code that its caller remembers, without a look-up before: in a rush nearly every
till shows a code that others have just shown.
"""

from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(SLOTS)
    op.execute(REDEEM)


SLOTS = """
CREATE OR REPLACE FUNCTION core.slot_of(customer_id uuid, subject_id text) RETURNS smallint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (('x' || substr(md5(coalesce(customer_id::text, subject_id, '')), 1, 2))::bit(8)::int % 64)::smallint;
END $$;
"""

REDEEM = """
DROP FUNCTION rewards.redeem;

-- False when something stands under the till's reference: the caller reads it by a statement of its own. The legs come
-- in the order in which balances are locked, counters in that of their names; `_first_amount` is what the first gets,
-- or gives when it is negative.
-- tracked: used by one at a time, as all but generic codes, and only while it is still `_holder`'s.
-- `_revision`: NULL for a gift card, which outlives its own.
-- `_remembered`: the catalogue version by which a code was decided that the caller remembered; then what the look-up
-- would have asked is asked here.
CREATE FUNCTION rewards.redeem(
    _id uuid, _voucher uuid, _campaign uuid, _revision int, _customer uuid,
    _merchant uuid, _store uuid, _terminal uuid, _reference text, _fingerprint bytea, _request_key text,
    _amount bigint, _currency text, _lines jsonb, _at timestamptz,
    _is_tracked boolean, _uses_cap int, _is_spent boolean,
    _counted jsonb, _scopes text[], _measures text[], _buckets text[], _adds bigint[], _caps bigint[],
    _transfer uuid, _first uuid, _first_shard smallint, _first_amount bigint, _second uuid, _second_shard smallint,
    _event uuid, _holder uuid DEFAULT NULL,
    _remembered bigint DEFAULT NULL, _guess_subjects bytea[] DEFAULT NULL, _guess_ends timestamptz[] DEFAULT NULL,
    _guess_mosts int[] DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    details jsonb;
BEGIN
    INSERT INTO rewards.redemption (id, voucher_id, campaign_id, customer_id, merchant_id, store_id, terminal_id,
           till_reference, amount_minor, currency, transfer_id, state, redeemed_at, fingerprint, request_key, lines,
           counted)
    VALUES (_id, _voucher, _campaign, _customer, _merchant, _store, _terminal,
           _reference, _amount, _currency, _transfer, 'succeeded', _at, _fingerprint, _request_key, _lines, _counted)
        ON CONFLICT (terminal_id, till_reference) WHERE checkout_id IS NULL DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    IF _remembered IS NOT NULL THEN
        IF NOT EXISTS (
            SELECT FROM rewards.voucher v JOIN rewards.campaign c ON c.id = v.campaign_id
             WHERE v.id = _voucher AND v.state = 'active' AND (v.expires_at IS NULL OR v.expires_at > _at)
               AND c.catalogue_version = _remembered AND c.state = 'running'
               AND NOT EXISTS (SELECT FROM core.idempotency WHERE principal = 'terminal:' || _terminal
                                                              AND key = _request_key)
               AND NOT EXISTS (
                   SELECT FROM unnest(_guess_subjects, _guess_ends, _guess_mosts) AS w (subject, ends_at, most)
                     JOIN auth.limit_counter l USING (subject, ends_at) WHERE l.count >= w.most)) THEN
            RAISE EXCEPTION 'what was remembered has changed' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'ck_voucher_changed';
        END IF;
    ELSIF _revision IS NOT NULL AND NOT EXISTS (
        SELECT FROM rewards.campaign WHERE id = _campaign AND revision = _revision AND state = 'running') THEN
        RAISE EXCEPTION 'the campaign was changed' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ck_campaign_revision';
    END IF;

    IF _is_tracked THEN
        UPDATE rewards.voucher
           SET used = used + 1, state = CASE WHEN _is_spent OR used + 1 >= _uses_cap THEN 'used_up' ELSE state END
         WHERE id = _voucher AND state NOT IN ('blocked', 'inactive') AND customer_id IS NOT DISTINCT FROM _holder
           AND (_uses_cap IS NULL OR used < _uses_cap) AND (expires_at IS NULL OR expires_at > _at);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the voucher was changed' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'ck_voucher_changed';
        END IF;
    END IF;

    details := jsonb_build_object('redemption_id', _id, 'voucher_id', _voucher, 'campaign_id', _campaign,
        'merchant_id', _merchant, 'store_id', _store, 'terminal_id', _terminal);
    -- Here and not with the transfer, so that counters and balances are held for less.
    INSERT INTO core.event (id, name, customer_id, occurred_at, source, depth, payload)
    VALUES (_event, 'voucher.redeemed', _customer, _at, 'pocketful', 0, details
            || jsonb_build_object('checkout_id', NULL, 'amount_minor', _amount, 'currency', _currency));

    FOR i IN 1 .. coalesce(cardinality(_scopes), 0) LOOP
        INSERT INTO rewards.counter AS c (campaign_id, scope, measure, bucket, used, cap)
        VALUES (_campaign, _scopes[i], _measures[i], _buckets[i], _adds[i], _caps[i])
            ON CONFLICT (campaign_id, scope, measure, bucket) DO UPDATE
           SET used = c.used + excluded.used, cap = excluded.cap
         WHERE c.used + excluded.used <= excluded.cap;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the limit is reached' USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_counter_cap',
                DETAIL = i || '|';
        END IF;
    END LOOP;

    IF _transfer IS NULL THEN
        -- Nothing to post under the reference: so it is looked for, under a lock that a reversal takes as well.
        PERFORM pg_advisory_xact_lock(hashtextextended('till:' || _terminal || '/' || _reference, 4));
        IF EXISTS (SELECT FROM wallet.transfer WHERE principal = 'till:' || _terminal AND key = _reference) THEN
            RAISE EXCEPTION 'the reference is taken' USING ERRCODE = 'unique_violation',
                CONSTRAINT = 'uq_transfer_principal_key';
        END IF;
    ELSIF NOT wallet.post_one(
        _id => _transfer, _principal => 'till:' || _terminal, _key => _reference, _fingerprint => _fingerprint,
        _kind => 'redemption', _at => _at, _details => details, _asset => _currency, _first => _first,
        _first_shard => _first_shard, _amount => _first_amount, _second => _second, _second_shard => _second_shard) THEN
        RAISE EXCEPTION 'the reference is taken' USING ERRCODE = 'unique_violation',
            CONSTRAINT = 'uq_transfer_principal_key';
    END IF;
    RETURN true;
END $$;
"""
