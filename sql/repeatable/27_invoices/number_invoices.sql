/*
Gives invoices of an app that have just become final its next numbers, in the order of the keys, and
tells the app's hook of them.

Locks the app's row and holds it until the transaction ends: numbers have no gap because
transactions take them one after the other. So this comes last.
*/
create or replace function pgledger.number_invoices(app_id text, keys bigint[])
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_number bigint;
begin
  if cardinality(keys) = 0 then
    return;
  end if;
  insert into pgledger.apps (app_id)
  values (number_invoices.app_id)
  on conflict on constraint apps_app_id_pk do nothing;
  update pgledger.apps
  set invoice_number = apps.invoice_number + cardinality(keys)
  where apps.app_id = number_invoices.app_id
  returning apps.invoice_number - cardinality(keys) into v_number;

  update pgledger.invoices
  set number = v_number + taken.place
  from unnest(keys) with ordinality as taken (key, place)
  where invoices.key = taken.key and invoices.number is null;

  perform pgledger.tell_of_invoices(app_id, 'invoice_finalized', keys);
  perform pgledger.tell_of_invoices(
    app_id,
    'invoice_paid',
    array(
      select invoices.key
      from unnest(keys) with ordinality as taken (key, place)
      inner join pgledger.invoices on taken.key = invoices.key
      where invoices.status = 'paid'
      order by taken.place
    )
  );
end;
$$;

comment on function pgledger.number_invoices is
  'Gives invoices of an app that have become final its next numbers.';

revoke all on function pgledger.number_invoices from public;
