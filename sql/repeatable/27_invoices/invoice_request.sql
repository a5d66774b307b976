/*
Reads what a call asks an invoice for: the period in which a time lies, by default the current one,
and the invoice's own start, which for an interim invoice is where the last final one ended.
as_of_version is for start invoices the change with which the period became active.

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
  v_ok boolean;
begin
  v_ok := pgledger.check_choice('kind', kind, array['period', 'start', 'interim']);
  if pgledger.time_fault(v_at) is not null then
    v_ok := pgledger.fail('InvalidTime', array['at', at::text, pgledger.time_fault(v_at)]);
  end if;
  if tax_rates is not null then
    v_ok := pgledger.check_tax_rates(tax_rates);
  end if;

  v_period := pgledger.billing_period(subscription, v_at);
  period_start := v_period.starts_at;
  if period_start is null then
    v_ok := pgledger.fail(
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
      v_ok := pgledger.fail(
        'InvalidArgument',
        array[
          'kind', '''start''',
          format('subscription %s was not active in the period of %s', subscription.id, v_at)
        ]
      );
    end if;
  else
    v_ok := pgledger.check_usage_not_purged(subscription, kind, period_start);
  end if;
  if kind = 'interim' then
    period_start := pgledger.interim_start(subscription.key, v_period.starts_at, v_period.ends_at);
  end if;
end;
$$;

comment on function pgledger.invoice_request is
  'Reads what a call asks an invoice for; raises what is wrong with it.';

revoke all on function pgledger.invoice_request from public;
