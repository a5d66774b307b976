/*
What a call asks an invoice for: the period that a time lies in, the current one by default, and
from when the invoice counts in it. An interim invoice goes on where the last final one ended.

Errors: NullArgument, InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.
*/
create or replace function pgledger.invoice_request(
  subscription pgledger.subscriptions,
  at timestamptz,
  kind text,
  tax_rates jsonb,
  out period_start timestamptz,
  out as_of_version bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_at timestamptz := coalesce(at, subscription.current_period_start);
  v_period record;
  v_purged_before timestamptz;
begin
  perform pgledger.check_choice('kind', kind, array['period', 'start', 'interim']);
  if pgledger.time_fault(v_at) is not null then
    perform pgledger.fail('InvalidTime', array['at', at::text, pgledger.time_fault(v_at)]);
  end if;
  if tax_rates is not null then
    perform pgledger.check_tax_rates(tax_rates);
  end if;

  v_period := pgledger.billing_period(subscription, v_at);
  period_start := v_period.starts_at;
  if period_start is null then
    perform pgledger.fail(
      'InvalidArgument',
      array[
        'at', v_at::text, format('subscription %s has no period at that time', subscription.id)
      ]
    );
  end if;

  if kind = 'start' then
    as_of_version := (
      select min(change.version)
      from pgledger.subscription_changes as change
      where change.subscription_key = subscription.key
        and change.period_start = invoice_request.period_start
        and change.status = 'active'
    );
    if as_of_version is null then
      perform pgledger.fail(
        'InvalidArgument',
        array[
          'kind', '''start''',
          format('subscription %s was not active in the period of %s', subscription.id, v_at)
        ]
      );
    end if;
  else
    v_purged_before := (
      select tenants.purged_before
      from pgledger.tenants
      where tenants.app_id = subscription.app_id and tenants.tenant_id = subscription.tenant_id
    );
    if period_start < v_purged_before and not exists (
      select
      from pgledger.invoices
      where invoices.subscription_key = subscription.key
        and invoices.kind = invoice_request.kind
        and invoices.period_start = invoice_request.period_start
        and invoices.status not in ('draft', 'voided')
    ) then
      perform pgledger.fail(
        'UsagePurged', array['period_start', period_start::text, v_purged_before::text]
      );
    end if;
  end if;
  if kind = 'interim' then
    -- In a period that is over one begins just before the end, each before the last.
    select
      case
        when count(*) = 0 then v_period.starts_at
        else least(
          max(interim.period_end),
          v_period.ends_at
          - interval '1 microsecond'
          * count(*) filter (where interim.period_end = v_period.ends_at)
        )
      end
    into invoice_request.period_start
    from pgledger.invoices as interim
    where interim.subscription_key = subscription.key
      and interim.kind = 'interim'
      and interim.status not in ('draft', 'voided')
      and interim.period_start >= v_period.starts_at
      and interim.period_end <= v_period.ends_at;
  end if;
end;
$$;

comment on function pgledger.invoice_request is
  'What a call asks an invoice for; raises what is wrong with it.';

revoke all on function pgledger.invoice_request from public;
