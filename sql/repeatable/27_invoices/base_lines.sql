/*
Lines for the base fee of a subscription's period, for each plan and quantity: what is due and has
not been billed, or, below zero, what was billed and is no longer due. A credit gives back what was
paid, so the discount's share is left out: never more than was billed less earlier credits.
*/
create or replace function pgledger.base_lines(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  advance_only boolean,
  for_invoice pgledger.invoices,
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
stable
parallel safe
as $$
declare
  v_due pgledger.base_charge;
  v_line pgledger.invoice_lines;
  v_lines pgledger.invoice_lines[] := '{}';
  v_times text;
begin
  subscription.time_zone := pgledger.zone_of_period(subscription, for_period);
  foreach v_due in array pgledger.due_base(
    subscription, for_period, segments, advance_only, for_invoice, exponent
  ) loop
    v_times := case when v_due.quantity <> 1 then ' x ' || trim_scale(v_due.quantity) else '' end;
    v_line.subscription_key := subscription.key;
    v_line.for_period := for_period;
    v_line.item := 'base';
    v_line.plan_key := v_due.plan_key;
    v_line.gross := v_due.due - v_due.gross;
    v_line.basis := jsonb_strip_nulls(
      jsonb_build_object(
        'amount', v_due.price::text, 'quantity', trim_scale(v_due.quantity)::text,
        'proration', v_due.proration, 'units', trim_scale(v_due.units)::text,
        'length', trim_scale(v_due.length)::text
      )
    );

    if v_line.gross > 0 then
      v_line.kind := case
        when v_due.units = v_due.length and v_due.gross = 0 then 'base_fee' else 'proration'
      end;
      v_line.description := format('%s%s: base fee', v_due.plan_name, v_times) || case
        when v_due.units < v_due.length then format(
          ', %s of %s %ss', trim_scale(v_due.units), trim_scale(v_due.length), v_due.proration
        )
        else ''
      end;
      v_line.period_start := v_due.starts_at;
      v_line.period_end := v_due.ends_at;
      v_line.quantity := v_due.quantity;
      v_line.unit_amount := case when v_line.kind = 'base_fee' then v_due.price end;
      v_line.amount := v_line.gross;
    else
      v_line.kind := 'proration';
      v_line.description := format(
        '%s%s: base fee for time not used', v_due.plan_name, v_times
      );
      -- Unused time can lie anywhere in the period; it is shown after the last use, if any.
      v_line.period_end := segments[cardinality(segments)].whole_end;
      v_line.period_start := coalesce(
        nullif(v_due.ends_at, v_line.period_end), for_period
      );
      v_line.quantity := v_due.quantity;
      v_line.unit_amount := null;
      v_line.amount := pgledger.rounded_quotient(
        v_line.gross * v_due.net, v_due.gross, exponent
      );
    end if;
    v_line.discount := 0 * v_line.amount;
    v_line.tax := v_line.discount;
    v_lines := v_lines || v_line;
  end loop;
  return v_lines;
end;
$$;

comment on function pgledger.base_lines is
  'Lines for what is due of a period''s base fee and not billed, or billed and no longer due.';

revoke all on function pgledger.base_lines from public;
