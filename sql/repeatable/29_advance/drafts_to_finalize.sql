/*
The occasions of drafts of a subscription that can become final by now, as of version 0. While
changes after until_version are left to later, so are drafts of periods that do not end before
these.

What depends on the subscription is computed before the query: PostgreSQL would plan that anew for
each call, because it could leave out what is known.
*/
create or replace function pgledger.drafts_to_finalize(
  subscription pgledger.subscriptions,
  until_version bigint
)
returns pgledger.invoice_occasion[]
language plpgsql
stable
parallel safe
as $$
declare
  v_before timestamptz := 'infinity';
  v_is_over boolean := subscription.status = 'canceled'
    or subscription.current_period_end <= pgledger.clock();
begin
  if until_version <> subscription.version then
    v_before := (
      select subscription_changes.period_start
      from pgledger.subscription_changes
      where subscription_changes.subscription_key = subscription.key
        and subscription_changes.version = until_version
    );
  end if;
  return array(
    select
      row(
        invoices.period_start,
        array_position(array['start', 'change', 'period'], invoices.kind),
        invoices.change_version, 0, invoices.kind, false
      )::pgledger.invoice_occasion
    from pgledger.invoices
    where invoices.subscription_key = subscription.key
      and invoices.status = 'draft'
      and invoices.period_start < v_before
      and (
        invoices.kind in ('start', 'change')
        or (
          invoices.kind = 'period'
          and (invoices.period_start < subscription.current_period_start or v_is_over)
        )
      )
  );
end;
$$;

comment on function pgledger.drafts_to_finalize is
  'Drafts of a subscription that can become final by now.';

revoke all on function pgledger.drafts_to_finalize from public;
