/*
What an imported invoice of a subscription is for: the period in which a time lies, with what the
subscription's own invoice would come to there, whose place the import takes. Refused where such an
invoice is there already, and for a period that is not over.

The subscription is locked.
Errors: NullArgument, InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged, InvalidState.
*/
create or replace function pgledger.import_request(
  subscription pgledger.subscriptions,
  at timestamptz,
  inout invoice pgledger.invoices,
  exponent integer,
  out drawn pgledger.invoice_lines[]
)
language plpgsql
stable
parallel safe
as $$
declare
  v_currency text := (
    select plans.currency from pgledger.plans where plans.key = subscription.plan_key
  );
  v_request record;
  v_period record;
  v_drawn record;
  v_there pgledger.invoices;
  v_ok boolean;
begin
  v_ok := pgledger.check_choice('kind', invoice.kind, array['period', 'start']);
  v_request := pgledger.invoice_request(subscription, at, invoice.kind, invoice.tax_rates);
  if invoice.currency <> v_currency then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['currency', invoice.currency, format('the subscription''s plan is in %s', v_currency)]
    );
  end if;

  v_there := (
    select invoices
    from pgledger.invoices
    where invoices.subscription_key = subscription.key
      and invoices.kind = (import_request.invoice).kind
      and invoices.period_start = v_request.period_start
      and invoices.status <> 'voided'
  );
  if v_there.key is not null then
    v_ok := pgledger.refuse_invoice_move(v_there, 'imported once more');
  end if;
  v_period := pgledger.billing_period(subscription, v_request.period_start);
  if invoice.kind = 'period' and not v_period.is_over then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['at', at::text, format('the period ends at %s, which is to come', v_period.ends_at)]
    );
  end if;

  invoice.subscription_key := subscription.key;
  invoice.period_start := v_request.period_start;
  invoice.as_of_version := v_request.as_of_version;
  v_drawn := pgledger.draw_lines(subscription, invoice, exponent);
  invoice.period_end := v_drawn.period_end;
  drawn := v_drawn.lines;
end;
$$;

comment on function pgledger.import_request is
  'What an imported invoice of a subscription is for, and what it takes the place of.';

revoke all on function pgledger.import_request from public;
