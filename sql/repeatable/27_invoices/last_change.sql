/*
The version of the last change in a subscription's period that can have an invoice of its own: one
that has none yet, so that what was voided can be drawn up again, or else the last of all. What the
clock does by itself has none.

Errors: InvalidArgument.
*/
create or replace function pgledger.last_change(
  subscription pgledger.subscriptions,
  period_start timestamptz,
  at timestamptz
)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_version bigint := (
    select
      coalesce(
        max(change.version) filter (
          where not exists (
            select
            from pgledger.invoices
            where invoices.subscription_key = change.subscription_key
              and invoices.kind = 'change'
              and invoices.change_version = change.version
              and invoices.status not in ('draft', 'voided')
          )
        ),
        max(change.version)
      )
    from pgledger.subscription_changes as change
    where change.subscription_key = subscription.key
      and change.period_start = last_change.period_start
      and change.change in ('plan_changed', 'updated', 'paused', 'resumed', 'canceled')
  );
  v_ok boolean;
begin
  if v_version is null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'kind', '''change''',
        format('subscription %s did not change in the period of %s', subscription.id, at)
      ]
    );
  end if;
  return v_version;
end;
$$;

comment on function pgledger.last_change is
  'The version of the last change in a period that can have an invoice of its own.';

revoke all on function pgledger.last_change from public;
