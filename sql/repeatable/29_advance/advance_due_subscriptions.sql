/*
Moves on the subscriptions of an app that are due, the longest due first, and draws up the invoices
that are due with that. Takes at most max_subscriptions, and more as long as none of those taken had
anything to do; it stops after ten times as many and names the last one in last_looked_at. A
subscription that somebody else holds is left out.

one_by_one: each is moved in a subtransaction, at most 50 at a time, because a session keeps track
of so many at no cost. One that fails is undone, warned of, named with its error, and postponed for
an hour. One that cannot even be postponed is only warned of: were it named, a caller who waits for
a call without rows would never end.
*/
create or replace function pgledger.advance_due_subscriptions(
  app_id text,
  max_subscriptions integer,
  invoices text,
  now timestamptz,
  one_by_one boolean,
  out subscription_keys bigint[],
  out versions bigint[],
  out invoice_keys bigint[],
  out failed_keys bigint[],
  out errors text[],
  out last_looked_at bigint
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_due record;
  v_moved record;
  v_busy bigint[] := '{}';
  v_looked_at integer := 0;
  v_found boolean;
  v_did boolean := false;
begin
  subscription_keys := '{}';
  versions := '{}';
  invoice_keys := '{}';
  failed_keys := '{}';
  errors := '{}';
  loop
    v_found := false;
    for v_due in
      select
        subscriptions.key, subscriptions.version, subscriptions.id, subscriptions.tenant_id
      from pgledger.subscriptions
      where subscriptions.app_id = advance_due_subscriptions.app_id
        and subscriptions.advance_at <= now
        and (invoices <> 'none' or subscriptions.due_at <= now)
        and subscriptions.key <> all(v_busy)
      order by subscriptions.advance_at
      limit case when one_by_one then least(max_subscriptions, 50) else max_subscriptions end
      for no key update skip locked
    loop
      v_found := true;
      v_looked_at := v_looked_at + 1;
      if one_by_one then
        begin
          v_moved := pgledger.advance_and_invoice(v_due.key, invoices, now);
        exception
          when others then
            if not pgledger.may_concern_one_subscription(sqlstate) then
              raise;
            end if;
            raise warning using
              message = format(
                'subscription %s of tenant %s was not advanced: %s', v_due.id, v_due.tenant_id,
                sqlerrm
              ),
              errcode = sqlstate;
            v_busy := v_busy || v_due.key;
            if pgledger.postpone_advance(v_due.key, now + interval '1 hour') then
              failed_keys := failed_keys || v_due.key;
              errors := errors || sqlerrm;
              v_did := true;
            end if;
            continue;
        end;
      else
        v_moved := pgledger.advance_and_invoice(v_due.key, invoices, now);
      end if;

      subscription_keys := subscription_keys || v_due.key;
      versions := versions || v_due.version;
      invoice_keys := invoice_keys || v_moved.invoice_keys;
      if v_moved.is_busy then
        v_busy := v_busy || v_due.key;
      end if;
      v_did := v_did or v_moved.version > v_due.version or cardinality(v_moved.invoice_keys) > 0;
    end loop;
    exit when v_did or not v_found;
    if v_looked_at >= 10 * max_subscriptions then
      last_looked_at := v_due.key;
      exit;
    end if;
  end loop;
end;
$$;

comment on function pgledger.advance_due_subscriptions is
  'Moves on the subscriptions of an app that are due and draws up their invoices.';

revoke all on function pgledger.advance_due_subscriptions from public;
