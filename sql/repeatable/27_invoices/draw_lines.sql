/*
What an invoice of a subscription charges, before discounts and taxes, for the period in which its
own start lies; and when the period ends as far as is known. What the invoice itself has charged
before does not count as billed.

A period invoice has the base fee of the period as far as it is not billed, that of the next period
if it is paid in advance, usage, and late usage of earlier periods. A start invoice has the base fee
of the period as it was at the invoice's version, or, if something of it has been billed, the
difference. An interim invoice has usage until now.
*/
create or replace function pgledger.draw_lines(
  subscription pgledger.subscriptions,
  invoice pgledger.invoices,
  exponent integer,
  out lines pgledger.invoice_lines[],
  out period_end timestamptz
)
language plpgsql
stable
parallel safe
as $$
declare
  v_period record := pgledger.billing_period(subscription, invoice.period_start);
  v_as_of_version bigint;
  v_segments pgledger.billing_segment[];
  v_now timestamptz;
begin
  period_end := v_period.ends_at;
  -- Where it stands among the drafts depends on it.
  invoice.period_end := period_end;
  -- Not one statement with the kind in it: the planner would plan that anew for each call.
  if invoice.kind = 'start' then
    v_as_of_version := (
      select invoice.as_of_version
      where not exists (
        select
        from pgledger.billed_base(subscription.key, v_period.starts_at, invoice)
      )
    );
  end if;
  v_segments := pgledger.billing_segments(subscription, v_period.starts_at, v_as_of_version);
  if invoice.kind = 'start' then
    lines := array(
      select line
      from pgledger.base_lines(
        subscription, v_period.starts_at, v_segments, true, invoice, exponent
      ) as line
    );
  elsif invoice.kind = 'interim' then
    v_now := pgledger.clock();
    period_end := least(period_end, v_now);
    lines := array(
      select line
      from pgledger.usage_lines(
        subscription,
        v_period.starts_at,
        pgledger.segments_until(v_segments, v_now),
        invoice,
        exponent
      ) as line
    );
  else
    lines := array(
      select line
      from pgledger.base_lines(
        subscription, v_period.starts_at, v_segments, false, invoice, exponent
      ) as line
    ) || array(
      select line
      from pgledger.next_base_lines(
        subscription, v_period.ends_at, v_period.next_version, v_period.is_over, invoice,
        exponent
      ) as line
    ) || array(
      select line
      from pgledger.usage_lines(
        subscription, v_period.starts_at, v_segments, invoice, exponent
      ) as line
    ) || array(
      select line
      from pgledger.late_lines(
        subscription, v_period.starts_at, invoice, exponent
      ) as line
    );
  end if;
end;
$$;

comment on function pgledger.draw_lines is
  'What a subscription is to be charged on an invoice, before discounts and taxes.';

revoke all on function pgledger.draw_lines from public;
