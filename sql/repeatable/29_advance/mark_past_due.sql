/*
Marks invoices of an app that are pending and due by now, the longest due first, at most
max_invoices, and returns their keys. Those that somebody else holds are left to the next call.
*/
create or replace function pgledger.mark_past_due(
  app_id text,
  max_invoices integer,
  now timestamptz
)
returns bigint[]
language sql
volatile
parallel unsafe
as $$
  with overdue as (
    select invoices.key
    from pgledger.invoices
    where invoices.app_id = mark_past_due.app_id
      and invoices.status = 'pending'
      and invoices.due_at <= mark_past_due.now
    order by invoices.due_at, invoices.key
    limit max_invoices
    for no key update skip locked
  ),
  marked as (
    update pgledger.invoices
    set
      status = 'past_due',
      version = invoices.version + 1,
      updated_at = mark_past_due.now
    from overdue
    where invoices.key = overdue.key and invoices.status = 'pending'
    returning invoices.key, invoices.due_at
  )
  select coalesce(array_agg(marked.key order by marked.due_at, marked.key), '{}')
  from marked
$$;

comment on function pgledger.mark_past_due is
  'Marks invoices of an app that are due by now, and returns their keys.';

revoke all on function pgledger.mark_past_due from public;
