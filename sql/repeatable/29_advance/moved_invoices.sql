/*
The rows of ledger_advance about invoices: first those drawn up or made final, then those past due.
*/
create or replace function pgledger.moved_invoices(drawn bigint[], past_due bigint[])
returns table (
  tenant_id text,
  subscription_id text,
  change text,
  occurred_at timestamptz,
  invoice_id text
)
language sql
stable
parallel safe
as $$
  select
    invoices.tenant_id,
    subscriptions.id,
    case
      when moved.is_past_due then 'invoice_past_due'
      when invoices.status = 'draft' then 'invoice_drafted'
      else 'invoice_finalized'
    end,
    case
      when moved.is_past_due then invoices.due_at
      else coalesce(invoices.finalized_at, invoices.created_at)
    end,
    invoices.id
  from (
    select given.key, false as is_past_due, given.place
    from unnest(drawn) with ordinality as given (key, place)
    union all
    select given.key, true, given.place
    from unnest(past_due) with ordinality as given (key, place)
  ) as moved
  inner join pgledger.invoices on moved.key = invoices.key
  left join pgledger.subscriptions on invoices.subscription_key = subscriptions.key
  order by moved.is_past_due, moved.place
$$;

comment on function pgledger.moved_invoices is 'The rows of ledger_advance about invoices.';

revoke all on function pgledger.moved_invoices from public;
