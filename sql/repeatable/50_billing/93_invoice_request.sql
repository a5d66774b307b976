/*
What a call asks an invoice for: the period that a time lies in, the current one by default, and
from when the invoice counts in it. An interim invoice goes on where the last final one ended.

Errors: NullArgument, InvalidArgument, InvalidTime, InvalidInvoice.
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
begin
  perform pgledger.check_choice('kind', kind, array['period', 'start', 'interim']);
  if pgledger.time_fault(v_at) is not null then
    perform pgledger.fail('LG008', array['at', at::text, pgledger.time_fault(v_at)]);
  end if;
  if tax_rates is not null then
    perform pgledger.check_tax_rates(tax_rates);
  end if;

  period_start := (pgledger.billing_period(subscription, v_at)).starts_at;
  if period_start is null then
    perform pgledger.fail(
      'LG101',
      array[
        'at', v_at::text, format('subscription %s has no period at that time', subscription.id)
      ]
    );
  elsif kind = 'start' then
    as_of_version := (
      select min(change.version)
      from pgledger.subscription_changes as change
      where change.subscription_key = subscription.key
        and change.period_start = invoice_request.period_start
        and change.status = 'active'
    );
  elsif kind = 'interim' then
    period_start := coalesce(
      (
        select max(invoices.period_end)
        from pgledger.invoices
        where invoices.subscription_key = subscription.key
          and invoices.kind = 'interim'
          and invoices.status not in ('draft', 'voided')
          and invoices.period_start >= invoice_request.period_start
          and invoices.period_end <= (pgledger.billing_period(subscription, v_at)).ends_at
      ),
      period_start
    );
  end if;
end;
$$;

comment on function pgledger.invoice_request is
  'What a call asks an invoice for; raises what is wrong with it.';

revoke all on function pgledger.invoice_request from public;
