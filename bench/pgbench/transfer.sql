-- Five rows between two random accounts of 10,000. They are touched in the order of their ids, or two transfers that
-- meet crosswise would deadlock; so the amount's sign, not the order, says who pays.
\set one random(1, 10000)
\set other random(1, 9999)
\set other case when :other >= :one then :other + 1 else :other end
\set low least(:one, :other)
\set high greatest(:one, :other)
\set amount case when random(0, 1) = 0 then 5 else -5 end
WITH moved AS (
    UPDATE bare.balance b SET posted = b.posted + l.amount
      FROM (VALUES (:low::int, :amount::bigint), (:high::int, -:amount::bigint)) AS l (account_id, amount)
     WHERE b.account_id = l.account_id
    RETURNING b.account_id, l.amount, b.posted
), made AS (INSERT INTO bare.transfer DEFAULT VALUES RETURNING id)
INSERT INTO bare.entry (transfer_id, account_id, amount, balance_after)
SELECT made.id, moved.account_id, moved.amount, moved.posted FROM made CROSS JOIN moved;
