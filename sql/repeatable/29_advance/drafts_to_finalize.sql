/*
Drafts of a subscription that can become final by now. While changes after until_version are left to
later, so are drafts of periods that do not end before these.
*/
create or replace function pgledger.drafts_to_finalize(
  subscription pgledger.subscriptions,
  until_version bigint
)
returns table (kind text, period_start timestamptz, change_version bigint)
language sql
stable
parallel safe
as $$
  select invoices.kind, invoices.period_start, invoices.change_version
  from pgledger.invoices
  where invoices.subscription_key = subscription.key
    and invoices.status = 'draft'
    and (
      until_version = subscription.version
      or invoices.period_start < (
        select subscription_changes.period_start
        from pgledger.subscription_changes
        where subscription_changes.subscription_key = subscription.key
          and subscription_changes.version = until_version
      )
    )
    and (
      invoices.kind in ('start', 'change')
      or (
        invoices.kind = 'period'
        and (
          invoices.period_start < subscription.current_period_start
          or subscription.current_period_end <= pgledger.clock()
          or subscription.status = 'canceled'
        )
      )
    )
$$;

comment on function pgledger.drafts_to_finalize is
  'Drafts of a subscription that can become final by now.';

revoke all on function pgledger.drafts_to_finalize from public;
