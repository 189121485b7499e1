"""One key, one deed; refunds whose source was closed; payouts that a second person agrees to.

What would go back to a closed account goes to the brand's suspense (cash) or breakage (what lapsed with the wallet),
and counts against what the closed source gave all the same: `wallet.divert` notes both.
"""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(DIVERTED)
    op.execute(PAYOUTS)
    op.execute(NOTICES)


DIVERTED = """
-- What a refund could not give back to its source, and where it went instead. is_lapsed: nobody waits for it. An
-- adjustment settles one at most, and one adjustment at most settles it.
CREATE TABLE wallet.diverted_refund (
    refund_id uuid NOT NULL CONSTRAINT fk_diverted_refund_refund_id REFERENCES wallet.transfer (id)
        DEFERRABLE INITIALLY DEFERRED,
    account_id uuid NOT NULL CONSTRAINT fk_diverted_refund_account_id REFERENCES wallet.account (id),
    target_id uuid NOT NULL CONSTRAINT fk_diverted_refund_target_id REFERENCES wallet.account (id),
    payment_id uuid NOT NULL CONSTRAINT fk_diverted_refund_payment_id REFERENCES wallet.transfer (id),
    customer_id uuid NOT NULL,
    amount bigint NOT NULL,
    is_lapsed boolean NOT NULL,
    diverted_at timestamptz NOT NULL,
    adjustment_id uuid CONSTRAINT fk_diverted_refund_adjustment_id REFERENCES auth.approval (id)
        CONSTRAINT uq_diverted_refund_adjustment_id UNIQUE,
    settled_by text,
    settled_at timestamptz,
    CONSTRAINT pk_diverted_refund PRIMARY KEY (refund_id, account_id),
    CONSTRAINT ck_diverted_refund_amount CHECK (amount > 0),
    CONSTRAINT ck_diverted_refund_settled CHECK (
        (settled_at IS NULL) = (settled_by IS NULL) AND (settled_at IS NULL) = (adjustment_id IS NULL)
        AND NOT (is_lapsed AND settled_at IS NOT NULL))
);
CREATE INDEX ix_diverted_refund_payment_id ON wallet.diverted_refund (payment_id);
CREATE INDEX ix_diverted_refund_waiting ON wallet.diverted_refund (refund_id)
    WHERE NOT is_lapsed AND settled_at IS NULL;

-- Before the refund is posted, in its transaction: what its closed sources do not get counts as given back by them, and
-- each target may get in their place what they gave. (A target's part is no source: `wallet.source` follows entries.)
CREATE FUNCTION wallet.divert(
    _payment uuid, _refund uuid, _customer uuid, _at timestamptz, _sources uuid[], _targets uuid[], _amounts bigint[],
    _lapsed boolean[]
) RETURNS void LANGUAGE plpgsql SET wallet.posting = 'on' AS $$
BEGIN
    INSERT INTO wallet.transfer_part (transfer_id, account_id, position, amount)
    SELECT _payment, d.target, 1000, sum(p.amount)::bigint
      FROM unnest(_sources, _targets) AS d (source, target)
      JOIN wallet.transfer_part p ON p.transfer_id = _payment AND p.account_id = d.source
     GROUP BY d.target ORDER BY d.target
        ON CONFLICT DO NOTHING;
    UPDATE wallet.transfer_part p SET refunded = p.refunded + d.amount
      FROM unnest(_sources, _amounts) AS d (source, amount)
     WHERE p.transfer_id = _payment AND p.account_id = d.source;
    INSERT INTO wallet.diverted_refund
           (refund_id, account_id, target_id, payment_id, customer_id, amount, is_lapsed, diverted_at)
    SELECT _refund, d.source, d.target, _payment, _customer, d.amount, d.lapsed, _at
      FROM unnest(_sources, _targets, _amounts, _lapsed) AS d (source, target, amount, lapsed);
END $$;
"""

PAYOUTS = """
-- Those from before a second person had to agree have no approval, and hold.
ALTER TABLE wallet.merchant_bank_account
    ADD COLUMN approval_id uuid CONSTRAINT fk_merchant_bank_account_approval_id REFERENCES auth.approval (id)
        CONSTRAINT uq_merchant_bank_account_approval_id UNIQUE;

-- Cash of a wallet that was closed, on its way to the customer's bank account; in one file, once that was agreed to.
CREATE TABLE wallet.customer_payout (
    id uuid CONSTRAINT pk_customer_payout PRIMARY KEY,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    transfer_id uuid NOT NULL CONSTRAINT fk_customer_payout_transfer_id REFERENCES wallet.transfer (id)
        CONSTRAINT uq_customer_payout_transfer_id UNIQUE,
    details bytea NOT NULL,
    approval_id uuid NOT NULL CONSTRAINT fk_customer_payout_approval_id REFERENCES auth.approval (id)
        CONSTRAINT uq_customer_payout_approval_id UNIQUE,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    file_id uuid CONSTRAINT fk_customer_payout_file_id REFERENCES wallet.payout_file (id),
    CONSTRAINT ck_customer_payout_amount CHECK (amount_minor > 0)
);
CREATE INDEX ix_customer_payout_waiting ON wallet.customer_payout (currency, id) WHERE file_id IS NULL;
CREATE INDEX ix_customer_payout_file_id ON wallet.customer_payout (file_id);
"""

NOTICES = """
-- Which refunds of a charge failed, asked for when an older notice of its refunds comes late.
CREATE INDEX ix_provider_notice_refund_failed ON wallet.provider_notice ((facts ->> 'provider_reference'))
    WHERE kind = 'refund_failed';
"""
