/*
Until when usage of a feature had been billed by other subscriptions of a tenant when one that
starts in the past was written: before that it bills only what no other one does. -infinity if
nothing had been, or if the subscription starts when it was written.

Usage that an interim invoice cuts in the middle of an hour is billed by who billed it until the end
of that hour, because the events of the hour may be purged.
*/
create or replace function pgledger.billed_before(
  subscription_key bigint,
  started_at timestamptz,
  created_at timestamptz,
  feature_key text
)
returns timestamptz
language plpgsql
stable
parallel safe
as $$
declare
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
begin
  if started_at >= created_at then
    return '-infinity';
  end if;
  return coalesce(
    (
      select
        max(
          case
            when invoices.kind = 'interim' then date_bin(
              '1 hour', invoice_lines.period_end - interval '1 microsecond', v_origin
            ) + interval '1 hour'
            else invoice_lines.period_end
          end
        )
      from pgledger.subscriptions
      inner join pgledger.subscriptions as other
        on subscriptions.app_id = other.app_id and subscriptions.tenant_id = other.tenant_id
      inner join pgledger.invoice_lines on other.key = invoice_lines.subscription_key
      inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
      where subscriptions.key = billed_before.subscription_key
        and other.key <> subscriptions.key
        and invoice_lines.item = billed_before.feature_key
        and invoice_lines.events is not null
        and invoices.finalized_at <= billed_before.created_at
        and (invoices.voided_at > billed_before.created_at or invoices.voided_at is null)
    ),
    '-infinity'
  );
end;
$$;

comment on function pgledger.billed_before is
  'Until when usage had been billed by others when a subscription that starts in the past began.';

revoke all on function pgledger.billed_before from public;
