-- The least that a double-entry transfer needs: what the wallet's posting is measured beside. Every row has a key,
-- every entry the balance after it; there is no idempotency, no floor, no asset, no time of business and no guard.
CREATE SCHEMA bare;
CREATE TABLE bare.balance (account_id int PRIMARY KEY, posted bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
CREATE TABLE bare.transfer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bare.entry (
    transfer_id bigint NOT NULL,
    account_id int NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    PRIMARY KEY (transfer_id, account_id)
);
INSERT INTO bare.balance SELECT n, 1000000000 FROM generate_series(1, 10000) n;
