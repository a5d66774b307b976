/*
Notes what happened to invoices of an app for the next block of changes, in their order, and tells
the app's hook, if it has one: that they are past due at the time when they were due, and all else
when it was written down. The caller has locked the invoices.
*/
create or replace function pgledger.tell_of_invoices(
  app_id text,
  happening text,
  keys bigint[]
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform pgledger.note_change(
    'invoice', invoices.id, replace(tell_of_invoices.happening, 'invoice_', ''),
    invoices.updated_at, invoices.app_id, invoices.tenant_id,
    jsonb_build_object(
      'number', invoices.number,
      'status', invoices.status,
      'currency', invoices.currency,
      'total', invoices.total::text,
      'amount_due', invoices.amount_due::text,
      'version', invoices.version
    )
  )
  from unnest(keys) with ordinality as told (key, place)
  inner join pgledger.invoices on told.key = invoices.key
  order by told.place;

  -- Once for many invoices, not for each of them.
  if not exists (
    select
    from pgledger.apps
    where apps.app_id = tell_of_invoices.app_id and apps.hook_function is not null
  ) then
    return;
  end if;

  perform pgledger.tell_hook(
    invoices.app_id, invoices.tenant_id, tell_of_invoices.happening, invoices.id,
    case tell_of_invoices.happening
      when 'invoice_past_due' then invoices.due_at
      else invoices.updated_at
    end
  )
  from unnest(keys) with ordinality as told (key, place)
  inner join pgledger.invoices on told.key = invoices.key
  order by told.place;
end;
$$;

comment on function pgledger.tell_of_invoices is
  'Tells an app''s hook what happened to invoices of it, if it has one.';

revoke all on function pgledger.tell_of_invoices from public;
