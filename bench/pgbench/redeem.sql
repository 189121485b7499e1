-- One use of a generic code whose campaign has a cap: the very call that a till's redemption makes. The budget gives from
-- its one balance to one of the merchant's sixteen; `budget_first` says in which order the two are locked.
\set shard random(0, 15)
\set first_shard case when :budget_first = 1 then 0 else :shard end
\set second_shard case when :budget_first = 1 then :shard else 0 end
\set amount case when :budget_first = 1 then -5 else 5 end
SELECT rewards.redeem(
    made.id, :voucher, :campaign, 1, NULL, :merchant, :store, :terminal, made.id::text, '\x00', NULL, 5, 'USD',
    '[[0,5]]', now(), false, NULL, false, '[["total","uses","",1]]',
    '{total}', '{uses}', '{""}', '{1}', '{1000000000}', made.id,
    :first, :first_shard::smallint, :amount::bigint, :second, :second_shard::smallint, made.event)
  FROM (SELECT (substr(core.uuidv7_floor(clock_timestamp())::text, 1, 15) || substr(gen_random_uuid()::text, 16))::uuid,
               (substr(core.uuidv7_floor(clock_timestamp())::text, 1, 15) || substr(gen_random_uuid()::text, 16))::uuid)
       AS made (id, event);
