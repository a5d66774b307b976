/*
Repeatable.

Checks, in this order: app_id, days.
Errors: NullArgument, InvalidScope, InvalidArgument.
*/
create or replace function @extschema@.ledger_set_payment_terms(
  app_id text,
  days integer
)
returns integer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);

  if days is null then
    v_ok := pgledger.fail('NullArgument', array['days']);
  elsif days not between 0 and 3650 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['days', days::text, 'it is not between 0 and 3650']
    );
  end if;

  insert into pgledger.apps (app_id, payment_terms)
  values (ledger_set_payment_terms.app_id, ledger_set_payment_terms.days)
  on conflict on constraint apps_app_id_pk do update
  set payment_terms = excluded.payment_terms;

  return days;
end;
$$;

comment on function @extschema@.ledger_set_payment_terms is
$$Sets how long tenants have to pay invoices.

It is for invoices that become final from now on.

app_id: App whose invoices they are.
days: Days from when an invoice becomes final, 0 to 3,650. They are 30 until
  this is called.

Returns: The same.

Errors: NullArgument, InvalidScope, InvalidArgument (days is out of range).$$;

revoke all on function @extschema@.ledger_set_payment_terms from public;
grant execute on function @extschema@.ledger_set_payment_terms to pgledger_poster;
