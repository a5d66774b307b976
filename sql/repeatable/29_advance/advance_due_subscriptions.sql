/*
Moves on the subscriptions of an app that are due, the longest due first, and draws up the invoices
that are due with that. Takes at most max_subscriptions, and more as long as none of those taken had
anything to do; it stops after ten times as many and names the last one in last_looked_at. So it
does if all that was done is a part of what one that is far behind asks for, and that came to
nothing to report. A subscription that somebody else holds is left out.

one_by_one: each is moved in a subtransaction, at most 50 at a time, because a session keeps track
of so many at no cost. One that fails is named with its error.
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
  v_to_tell boolean := false;
  v_unfinished bigint;
begin
  subscription_keys := '{}';
  versions := '{}';
  invoice_keys := '{}';
  failed_keys := '{}';
  errors := '{}';
  loop
    v_found := false;
    for v_due in
      select subscriptions.key, subscriptions.version
      from pgledger.subscriptions
      where subscriptions.app_id = advance_due_subscriptions.app_id
        and subscriptions.advance_at <= now
        and (invoices <> 'none' or subscriptions.due_at <= now)
        and subscriptions.key <> all(v_busy)
      order by subscriptions.advance_at, subscriptions.key
      limit case when one_by_one then least(max_subscriptions, 50) else max_subscriptions end
      for no key update skip locked
    loop
      v_found := true;
      v_looked_at := v_looked_at + 1;
      if one_by_one then
        v_moved := pgledger.advance_alone(v_due.key, invoices, now);
      else
        v_moved := pgledger.advance_and_invoice(v_due.key, invoices, now);
      end if;

      if v_moved.is_busy then
        v_busy := v_busy || v_due.key;
      end if;
      if v_moved.version is not null then
        subscription_keys := subscription_keys || v_due.key;
        versions := versions || v_due.version;
        invoice_keys := invoice_keys || v_moved.invoice_keys;
        v_to_tell := v_to_tell
          or v_moved.version > v_due.version or cardinality(v_moved.invoice_keys) > 0;
        v_unfinished := case when v_moved.is_unfinished then v_due.key else v_unfinished end;
      elsif v_moved.error is not null then
        failed_keys := failed_keys || v_due.key;
        errors := errors || v_moved.error;
        v_to_tell := true;
      end if;
    end loop;
    exit when v_to_tell or not v_found;
    if v_unfinished is not null or v_looked_at >= 10 * max_subscriptions then
      last_looked_at := coalesce(v_unfinished, v_due.key);
      exit;
    end if;
  end loop;
end;
$$;

comment on function pgledger.advance_due_subscriptions is
  'Moves on the subscriptions of an app that are due and draws up their invoices.';

revoke all on function pgledger.advance_due_subscriptions from public;
