/*
What of a tenant's usage a purge up to a time may delete, and what it writes down of that.

line is the hour up to which usage is deleted and no longer taken. Before it, three things are kept,
so that whatever an invoice asks can be added up exactly:
- events of an hour that a change of a subscription or an edge of its periods splits, also where
  that period is settled and lies in one of another subscription that is not;
- events of features that are read one by one, which are seats and what is priced by single events,
  from the start of the earliest period that is not settled;
- what pgledger.usage_needed_from says.
They are kept for periods that are not settled. A period is settled once no usage of it is taken any
more and each subscription that goes on and has prices has had an invoice of its own since, which
has billed what came late; one that has ended has nothing late that is not billed. settles says that
what the tenant's row has as settling is settled now, and settled_before what that comes to.

gap_starts and gap_ends are the times between the hours that are kept.
*/
create or replace function pgledger.purge_bounds(
  tenant pgledger.tenants,
  before timestamptz,
  out line timestamptz,
  out settles boolean,
  out settled_before timestamptz,
  out singly_before timestamptz,
  out gap_starts timestamptz[],
  out gap_ends timestamptz[]
)
language plpgsql
stable
parallel unsafe
as $$
declare
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
begin
  line := date_bin(
    '1 hour',
    least(before, pgledger.usage_needed_from(tenant.app_id, tenant.tenant_id)),
    v_origin
  );
  settles := not exists (
    select
    from pgledger.subscriptions
    where subscriptions.app_id = tenant.app_id
      and subscriptions.tenant_id = tenant.tenant_id
      and subscriptions.status <> 'canceled'
      and pgledger.has_prices(subscriptions.key, 1)
      and not exists (
        select
        from pgledger.invoices
        where invoices.subscription_key = subscriptions.key
          and invoices.kind = 'period'
          and invoices.period_end > tenant.settling_before
          and invoices.finalized_at > tenant.settling_since
      )
  )
  and not pgledger.has_unbilled_reports(
    tenant.app_id, tenant.tenant_id, tenant.settled_before
  );
  settled_before := case
    when not settles then tenant.settled_before
    -- Nothing has to be waited for: what was used may be purged at once.
    when not exists (
      select
      from pgledger.subscriptions
      where subscriptions.app_id = tenant.app_id
        and subscriptions.tenant_id = tenant.tenant_id
        and subscriptions.status <> 'canceled'
    ) then greatest(line, tenant.purged_before)
    else tenant.settling_before
  end;

  with unsettled as materialized (
    select min(change.period_start) as starts_at
    from pgledger.subscription_changes as change
    where change.app_id = tenant.app_id
      and change.tenant_id = tenant.tenant_id
      and change.period_end > purge_bounds.settled_before
  ),
  change as (
    select change.occurred_at, change.period_start, change.period_end
    from unsettled
    inner join pgledger.subscription_changes as change
      on unsettled.starts_at < change.period_end
    where change.app_id = tenant.app_id and change.tenant_id = tenant.tenant_id
  ),
  edge as (
    select distinct date_bin('1 hour', split.at, v_origin) as hour
    from change
    cross join lateral (
      values (change.occurred_at), (change.period_start), (change.period_end)
    ) as split (at)
    where split.at < purge_bounds.line and split.at <> date_bin('1 hour', split.at, v_origin)
  )
  select
    (select least(purge_bounds.line, unsettled.starts_at) from unsettled),
    array['-infinity'::timestamptz] || array_agg(edge.hour + interval '1 hour' order by edge.hour),
    array_agg(edge.hour order by edge.hour) || purge_bounds.line
  into purge_bounds.singly_before, purge_bounds.gap_starts, purge_bounds.gap_ends
  from edge;
end;
$$;

comment on function pgledger.purge_bounds is
  'What of a tenant''s usage a purge up to a time may delete.';

revoke all on function pgledger.purge_bounds from public;
