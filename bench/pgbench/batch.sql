-- Many transfers by hand in one statement: what `ledger.post_all` is measured beside. The balances are locked in one
-- order, each is written once with the sum of its legs, and each entry has the balance after it.
WITH asked AS (
    SELECT payer, payee, amount, position
      FROM unnest(%s::int[], %s::int[], %s::bigint[]) WITH ORDINALITY AS a (payer, payee, amount, position)
), made AS (
    INSERT INTO bare.transfer (at) SELECT now() FROM asked RETURNING id
), numbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS position FROM made
), leg AS (
    SELECT position, payer AS account_id, -amount AS amount FROM asked
    UNION ALL
    SELECT position, payee, amount FROM asked
), locked AS MATERIALIZED (
    SELECT account_id, posted FROM bare.balance
     WHERE account_id IN (SELECT account_id FROM leg)
     ORDER BY account_id FOR NO KEY UPDATE
), moved AS (
    UPDATE bare.balance b SET posted = l.posted + s.amount
      FROM (SELECT account_id, sum(amount)::bigint AS amount FROM leg GROUP BY account_id) s
      JOIN locked l USING (account_id)
     WHERE b.account_id = s.account_id
)
INSERT INTO bare.entry (transfer_id, account_id, amount, balance_after)
SELECT n.id, leg.account_id, leg.amount,
       locked.posted + sum(leg.amount) OVER (PARTITION BY leg.account_id ORDER BY leg.position)
  FROM leg JOIN numbered n USING (position) JOIN locked USING (account_id)
