"""Finance: provider reports, safeguarding reconciliations, merchant settlements, batches of transfers.

What is reported to a supervisor or paid out to a merchant is written once. A settlement takes each entry of a
merchant's account exactly once: its cuts are spans of versions, and the keys over them leave no gap and no overlap.
"""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(PROVIDER_REPORTS)
    op.execute(SAFEGUARDING)
    op.execute(MERCHANTS)
    op.execute(SETTLEMENTS)
    op.execute(PAYOUTS)
    op.execute(BATCHES)


PROVIDER_REPORTS = """
CREATE TABLE wallet.provider_report (
    id uuid CONSTRAINT pk_provider_report PRIMARY KEY,
    reference text NOT NULL,
    sha256 bytea NOT NULL,
    closed_at timestamptz NOT NULL,
    line_count int NOT NULL,
    is_complete boolean NOT NULL DEFAULT false,
    imported_by text NOT NULL,
    imported_at timestamptz NOT NULL,
    CONSTRAINT uq_provider_report_reference UNIQUE (reference),
    CONSTRAINT uq_provider_report_sha256 UNIQUE (sha256)
);
CREATE INDEX ix_provider_report_closed_at ON wallet.provider_report (closed_at);

-- What the provider says it held when the report closed.
CREATE TABLE wallet.provider_balance (
    report_id uuid NOT NULL
        CONSTRAINT fk_provider_balance_report_id REFERENCES wallet.provider_report (id) ON DELETE CASCADE,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    CONSTRAINT pk_provider_balance PRIMARY KEY (report_id, currency)
);

-- amount_minor: what the line added to what the provider holds for us.
CREATE TABLE wallet.provider_line (
    report_id uuid NOT NULL
        CONSTRAINT fk_provider_line_report_id REFERENCES wallet.provider_report (id) ON DELETE CASCADE,
    number int NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    occurred_at timestamptz NOT NULL,
    CONSTRAINT pk_provider_line PRIMARY KEY (report_id, number),
    CONSTRAINT uq_provider_line_kind_reference UNIQUE (kind, reference),
    CONSTRAINT ck_provider_line_kind
        CHECK (kind IN ('charge', 'refund', 'dispute', 'dispute_reversal', 'fee', 'payout', 'adjustment')),
    CONSTRAINT ck_provider_line_amount CHECK (amount_minor <> 0)
);

-- A large report is imported in chunks: until it is complete nothing counts, and it may be taken back.
CREATE FUNCTION wallet.refuse_change_of_complete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM wallet.provider_report r WHERE r.id = OLD.report_id AND r.is_complete) THEN
        RAISE EXCEPTION '% rows are written once', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER provider_report_written_once BEFORE UPDATE OR DELETE ON wallet.provider_report FOR EACH ROW
    WHEN (OLD.is_complete) EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER provider_line_written_once BEFORE UPDATE ON wallet.provider_line
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER provider_line_kept BEFORE DELETE ON wallet.provider_line
    FOR EACH ROW EXECUTE FUNCTION wallet.refuse_change_of_complete();
CREATE TRIGGER provider_balance_written_once BEFORE UPDATE ON wallet.provider_balance
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER provider_balance_kept BEFORE DELETE ON wallet.provider_balance
    FOR EACH ROW EXECUTE FUNCTION wallet.refuse_change_of_complete();
"""

SAFEGUARDING = """
CREATE TABLE wallet.safeguarding_report (
    id uuid CONSTRAINT pk_safeguarding_report PRIMARY KEY,
    day date NOT NULL,
    run int NOT NULL,
    as_of timestamptz NOT NULL,
    status text NOT NULL,
    provider_report_id uuid
        CONSTRAINT fk_safeguarding_report_provider_report_id REFERENCES wallet.provider_report (id),
    difference_count int NOT NULL,
    ran_by text NOT NULL,
    ran_at timestamptz NOT NULL,
    CONSTRAINT uq_safeguarding_report_day_run UNIQUE (day, run),
    CONSTRAINT ck_safeguarding_report_status CHECK (status IN ('balanced', 'differences', 'no_report')),
    CONSTRAINT ck_safeguarding_report_held CHECK ((status = 'no_report') = (provider_report_id IS NULL))
);

CREATE TABLE wallet.safeguarding_figure (
    report_id uuid NOT NULL CONSTRAINT fk_safeguarding_figure_report_id REFERENCES wallet.safeguarding_report (id),
    currency text NOT NULL,
    cash_minor bigint NOT NULL,
    gift_cards_minor bigint NOT NULL,
    owed_minor bigint NOT NULL,
    promotional_minor bigint NOT NULL,
    debts_minor bigint NOT NULL,
    merchants_minor bigint NOT NULL,
    booked_minor bigint NOT NULL,
    held_minor bigint,
    CONSTRAINT pk_safeguarding_figure PRIMARY KEY (report_id, currency),
    CONSTRAINT ck_safeguarding_figure_owed CHECK (owed_minor = cash_minor + gift_cards_minor)
);

CREATE TABLE wallet.safeguarding_difference (
    report_id uuid NOT NULL
        CONSTRAINT fk_safeguarding_difference_report_id REFERENCES wallet.safeguarding_report (id),
    position int NOT NULL,
    currency text NOT NULL,
    kind text NOT NULL,
    is_timing boolean NOT NULL,
    reference text,
    transfer_id uuid,
    line_report_id uuid,
    line_number int,
    ours_minor bigint,
    theirs_minor bigint,
    occurred_at timestamptz,
    CONSTRAINT pk_safeguarding_difference PRIMARY KEY (report_id, position),
    CONSTRAINT fk_safeguarding_difference_line_report_id
        FOREIGN KEY (line_report_id, line_number) REFERENCES wallet.provider_line (report_id, number),
    CONSTRAINT ck_safeguarding_difference_kind
        CHECK (kind IN ('ours_only', 'theirs_only', 'amount', 'closing_balance'))
);

CREATE TABLE wallet.safeguarding_sign_off (
    report_id uuid CONSTRAINT pk_safeguarding_sign_off PRIMARY KEY
        CONSTRAINT fk_safeguarding_sign_off_report_id REFERENCES wallet.safeguarding_report (id),
    signed_by text NOT NULL,
    reason text NOT NULL,
    signed_at timestamptz NOT NULL
);

CREATE TRIGGER safeguarding_report_written_once BEFORE UPDATE OR DELETE ON wallet.safeguarding_report
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER safeguarding_figure_written_once BEFORE UPDATE OR DELETE ON wallet.safeguarding_figure
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER safeguarding_difference_written_once BEFORE UPDATE OR DELETE ON wallet.safeguarding_difference
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER safeguarding_sign_off_written_once BEFORE UPDATE OR DELETE ON wallet.safeguarding_sign_off
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
"""

MERCHANTS = """
-- What a merchant pays for each payment from `effective_at` on; the earlier rows are their history.
CREATE TABLE wallet.merchant_terms (
    id uuid CONSTRAINT pk_merchant_terms PRIMARY KEY,
    merchant_id uuid NOT NULL CONSTRAINT fk_merchant_terms_merchant_id REFERENCES auth.merchant (id),
    currency text NOT NULL,
    fee_bps int NOT NULL,
    fee_fixed_minor bigint NOT NULL,
    effective_at timestamptz NOT NULL,
    set_by text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT uq_merchant_terms_merchant_id_currency_effective_at UNIQUE (merchant_id, currency, effective_at),
    CONSTRAINT ck_merchant_terms_fee_bps CHECK (fee_bps BETWEEN 0 AND 10000),
    CONSTRAINT ck_merchant_terms_fee_fixed CHECK (fee_fixed_minor >= 0)
);
CREATE TRIGGER merchant_terms_written_once BEFORE UPDATE OR DELETE ON wallet.merchant_terms
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();

-- Where a merchant is paid; the latest row holds. Sealed under the merchant's own data key.
CREATE TABLE wallet.merchant_bank_account (
    id uuid CONSTRAINT pk_merchant_bank_account PRIMARY KEY,
    merchant_id uuid NOT NULL CONSTRAINT fk_merchant_bank_account_merchant_id REFERENCES auth.merchant (id),
    currency text NOT NULL,
    details bytea NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL
);
CREATE INDEX ix_merchant_bank_account_merchant_id_currency_id
    ON wallet.merchant_bank_account (merchant_id, currency, id);
CREATE TRIGGER merchant_bank_account_written_once BEFORE UPDATE OR DELETE ON wallet.merchant_bank_account
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
"""

SETTLEMENTS = """
CREATE TABLE wallet.settlement (
    id uuid CONSTRAINT pk_settlement PRIMARY KEY,
    merchant_id uuid NOT NULL CONSTRAINT fk_settlement_merchant_id REFERENCES auth.merchant (id),
    account_id uuid NOT NULL,
    currency text NOT NULL,
    sequence int NOT NULL,
    since timestamptz,
    until timestamptz NOT NULL,
    first_transfer_id uuid NOT NULL,
    last_transfer_id uuid NOT NULL,
    payment_count int NOT NULL,
    refund_count int NOT NULL,
    gross_minor bigint NOT NULL,
    tips_minor bigint NOT NULL,
    refunds_minor bigint NOT NULL,
    adjustments_minor bigint NOT NULL,
    fees_minor bigint NOT NULL,
    carried_in_minor bigint NOT NULL,
    net_minor bigint NOT NULL,
    payout_minor bigint NOT NULL,
    transfer_id uuid CONSTRAINT fk_settlement_transfer_id REFERENCES wallet.transfer (id),
    closed_by text NOT NULL,
    closed_at timestamptz NOT NULL,
    CONSTRAINT uq_settlement_account_id_sequence UNIQUE (account_id, sequence),
    CONSTRAINT ck_settlement_refunds CHECK (refunds_minor >= 0),
    CONSTRAINT ck_settlement_fees CHECK (fees_minor >= 0),
    CONSTRAINT ck_settlement_carried_in CHECK (carried_in_minor <= 0),
    CONSTRAINT ck_settlement_net CHECK (net_minor
        = carried_in_minor + gross_minor + tips_minor - refunds_minor + adjustments_minor - fees_minor),
    CONSTRAINT ck_settlement_payout CHECK (payout_minor = greatest(net_minor, 0)),
    CONSTRAINT ck_settlement_posted CHECK ((transfer_id IS NULL) = (fees_minor = 0 AND payout_minor = 0))
);
CREATE INDEX ix_settlement_merchant_id_id ON wallet.settlement (merchant_id, id);

-- The versions after `after_version` up to `to_version` of one shard. Each span begins where the one before it ends.
CREATE TABLE wallet.settlement_cut (
    settlement_id uuid NOT NULL CONSTRAINT fk_settlement_cut_settlement_id REFERENCES wallet.settlement (id),
    account_id uuid NOT NULL,
    shard smallint NOT NULL,
    after_version bigint,
    to_version bigint NOT NULL,
    CONSTRAINT pk_settlement_cut PRIMARY KEY (settlement_id, shard),
    CONSTRAINT uq_settlement_cut_account_id_shard_to_version UNIQUE (account_id, shard, to_version),
    CONSTRAINT uq_settlement_cut_account_id_shard_after_version
        UNIQUE NULLS NOT DISTINCT (account_id, shard, after_version),
    CONSTRAINT fk_settlement_cut_account_id FOREIGN KEY (account_id, shard, after_version)
        REFERENCES wallet.settlement_cut (account_id, shard, to_version),
    CONSTRAINT ck_settlement_cut_span CHECK (to_version > coalesce(after_version, 0))
);

-- Who paid what of a settlement's payments, and got what of its refunds.
CREATE TABLE wallet.settlement_funding (
    settlement_id uuid NOT NULL CONSTRAINT fk_settlement_funding_settlement_id REFERENCES wallet.settlement (id),
    source text NOT NULL,
    funder text NOT NULL,
    paid_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    CONSTRAINT pk_settlement_funding PRIMARY KEY (settlement_id, source, funder)
);

CREATE TRIGGER settlement_written_once BEFORE UPDATE OR DELETE ON wallet.settlement
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER settlement_cut_written_once BEFORE UPDATE OR DELETE ON wallet.settlement_cut
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER settlement_funding_written_once BEFORE UPDATE OR DELETE ON wallet.settlement_funding
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
"""

PAYOUTS = """
CREATE TABLE wallet.payout_file (
    id uuid CONSTRAINT pk_payout_file PRIMARY KEY,
    currency text NOT NULL,
    payout_count int NOT NULL,
    control_sum_minor bigint NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT ck_payout_file_payout_count CHECK (payout_count > 0)
);

-- A settlement's payout, in exactly one file.
CREATE TABLE wallet.payout (
    settlement_id uuid CONSTRAINT pk_payout PRIMARY KEY
        CONSTRAINT fk_payout_settlement_id REFERENCES wallet.settlement (id),
    file_id uuid NOT NULL CONSTRAINT fk_payout_file_id REFERENCES wallet.payout_file (id),
    bank_account_id uuid NOT NULL
        CONSTRAINT fk_payout_bank_account_id REFERENCES wallet.merchant_bank_account (id),
    amount_minor bigint NOT NULL,
    CONSTRAINT ck_payout_amount CHECK (amount_minor > 0)
);
CREATE INDEX ix_payout_file_id ON wallet.payout (file_id);

CREATE TRIGGER payout_file_written_once BEFORE UPDATE OR DELETE ON wallet.payout_file
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER payout_written_once BEFORE UPDATE OR DELETE ON wallet.payout
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
"""

BATCHES = """
-- A batch of transfers, once for each key of its principal. Its lines are the transfers of the principal "batch:<id>",
-- posted or declined, each under its own reference: so a batch that was cut off can be sent again and does the rest.
CREATE TABLE wallet.transfer_batch (
    id uuid CONSTRAINT pk_transfer_batch PRIMARY KEY,
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    mode text NOT NULL,
    status text NOT NULL DEFAULT 'running',
    line_count int NOT NULL,
    posted_count int NOT NULL DEFAULT 0,
    refused_count int NOT NULL DEFAULT 0,
    refusal jsonb,
    approval_id uuid CONSTRAINT fk_transfer_batch_approval_id REFERENCES auth.approval,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT uq_transfer_batch_principal_key UNIQUE (principal, key),
    CONSTRAINT uq_transfer_batch_approval_id UNIQUE (approval_id),
    CONSTRAINT ck_transfer_batch_mode CHECK (mode IN ('all_or_nothing', 'each')),
    CONSTRAINT ck_transfer_batch_status CHECK (status IN ('running', 'ended', 'refused')),
    CONSTRAINT ck_transfer_batch_ended CHECK ((status = 'running') = (ended_at IS NULL)),
    CONSTRAINT ck_transfer_batch_refusal CHECK ((status = 'refused') = (refusal IS NOT NULL)),
    CONSTRAINT ck_transfer_batch_counts CHECK (posted_count + refused_count <= line_count)
);
"""
