\set payer random(1, 9900)
\set payee random(9901, 10000)
WITH moved AS (
    UPDATE bare.balance b SET posted = b.posted + l.amount
      FROM (VALUES (:payer::int, -5::bigint), (:payee::int, 5::bigint)) AS l (account_id, amount)
     WHERE b.account_id = l.account_id
    RETURNING b.account_id, l.amount, b.posted
), made AS (INSERT INTO bare.transfer DEFAULT VALUES RETURNING id)
INSERT INTO bare.entry (transfer_id, account_id, amount, balance_after)
SELECT made.id, moved.account_id, moved.amount, moved.posted FROM made CROSS JOIN moved;
