/*
Moves sequences that lie behind the keys in use to the greatest of these. It looks without a lock
first, so that a call which finds nothing disturbs nobody. Then nobody may take a key between the
look and the move: setval would put a sequence back that has gone on meanwhile. The move is not
undone by a rollback, which does no harm.

Locks: the tables whose keys come from sequences, SHARE ROW EXCLUSIVE, in the order of their names,
if any sequence lies behind.
*/
create or replace function @extschema@.pgledger_raise_sequences()
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_raised bigint;
begin
  perform
  from pgledger.key_sequences() as sequence
  where sequence.greatest_key >= sequence.next_key;
  if not found then
    return 0;
  end if;

  lock table
    pgledger.accounts, pgledger.coupon_redemptions, pgledger.coupons, pgledger.invoice_payments,
    pgledger.invoices, pgledger.meters, pgledger.noted_changes, pgledger.plans,
    pgledger.subscriptions, pgledger.tenants, pgledger.usage_events
  in share row exclusive mode;

  select count(setval(format('pgledger.%I', sequence.name)::regclass, sequence.greatest_key))
  into v_raised
  from pgledger.key_sequences() as sequence
  where sequence.greatest_key >= sequence.next_key;

  return v_raised;
end;
$$;

comment on function @extschema@.pgledger_raise_sequences is
$$Moves sequences that lie behind the keys in use to the greatest of these.

Logical replication copies rows and not sequences. So call this once after a
switch-over to a database that was filled by it, before applications write
there: until then new accounts, invoices and so on fail with a unique
violation. pgledger_verify tells whether it is needed. Where nothing lies
behind, a call changes nothing; otherwise it waits for transactions that
write. Only the owner of pgledger may call this function.

Returns: How many sequences it moved.$$;

revoke all on function @extschema@.pgledger_raise_sequences from public;
