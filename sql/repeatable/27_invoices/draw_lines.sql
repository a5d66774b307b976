/*
What an invoice of a subscription charges, before discounts and taxes, for the period in which its
own start lies; and when the period ends as far as is known. It is what is due as known by now, less
what has been billed. What the invoice itself has charged before does not count as billed.
rival_changes says of a period invoice how many changes of other subscriptions it knows of.

A period invoice has the base fee of the period, that of the next period if it is paid in advance,
usage, and late usage of earlier periods. A start invoice and one for a change have the base fee of
the period if it is paid in advance. An interim invoice has usage until now.
*/
create or replace function pgledger.draw_lines(
  subscription pgledger.subscriptions,
  invoice pgledger.invoices,
  exponent integer,
  out lines pgledger.invoice_lines[],
  out period_end timestamptz,
  out rival_changes bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_period record := pgledger.billing_period(subscription, invoice.period_start);
  v_segments pgledger.billing_segment[];
  v_now timestamptz;
begin
  period_end := v_period.ends_at;
  v_segments := pgledger.billing_segments(subscription, v_period.starts_at);
  if invoice.kind in ('start', 'change') then
    lines := pgledger.base_lines(
      subscription, v_period.starts_at, v_segments, true, invoice, exponent
    );
  elsif invoice.kind = 'interim' then
    v_now := pgledger.clock();
    period_end := least(period_end, v_now);
    lines := pgledger.usage_lines(
      subscription, v_period.starts_at, pgledger.segments_until(v_segments, v_now), invoice,
      exponent
    );
  else
    rival_changes := pgledger.rival_changes(subscription, v_period.starts_at, period_end);
    lines := pgledger.base_lines(
      subscription, v_period.starts_at, v_segments, false, invoice, exponent
    ) || pgledger.next_base_lines(
      subscription, v_period.ends_at, v_period.next_version, v_period.is_over, invoice, exponent
    ) || pgledger.usage_lines(
      subscription, v_period.starts_at, v_segments, invoice, exponent
    ) || pgledger.late_lines(
      subscription, v_period.starts_at, invoice, exponent
    );
  end if;
end;
$$;

comment on function pgledger.draw_lines is
  'What a subscription is to be charged on an invoice, before discounts and taxes.';

revoke all on function pgledger.draw_lines from public;
