/*
The periods before one whose own invoice is final and did not know all that the tenant's other
subscriptions were in them: the change of one was made before the invoice, and committed after it.
Nobody waits for the other, because all subscriptions of a tenant would then wait for one another.
What changes later is no reason to look again: see pgledger.rival_changes. Left out are periods that
are settled.

for_period asks for that one alone.
*/
create or replace function pgledger.missed_rivals(
  subscription pgledger.subscriptions,
  before_period timestamptz,
  for_period timestamptz default null
)
returns setof timestamptz
language plpgsql
stable
parallel safe
as $$
begin
  if not exists (
    select
    from pgledger.subscriptions as other
    where other.app_id = subscription.app_id
      and other.tenant_id = subscription.tenant_id
      and other.key <> subscription.key
  ) then
    return;
  end if;
  return query
  select invoices.period_start
  from pgledger.invoices
  where invoices.subscription_key = subscription.key
    and invoices.kind = 'period'
    and invoices.period_start < before_period
    and (for_period is null or invoices.period_start = for_period)
    and invoices.status not in ('draft', 'voided')
    and invoices.period_end > coalesce(
      (
        select tenants.settled_before
        from pgledger.tenants
        where tenants.app_id = subscription.app_id and tenants.tenant_id = subscription.tenant_id
      ),
      '-infinity'
    )
    and invoices.rival_changes < pgledger.rival_changes(
      subscription, invoices.period_start, invoices.period_end, invoices.finalized_at
    );
end;
$$;

comment on function pgledger.missed_rivals is
  'Billed periods whose invoice did not know all changes of the tenant''s other subscriptions.';

revoke all on function pgledger.missed_rivals from public;
