/*
Finds out with which tax rates the credits of an invoice were billed.

Lines belong together if they are for the same period, plan and item, and for a base fee the same
quantity. If together they come to less than zero after discounts, they give back what earlier
invoices, those that stand, have billed for that. pgledger.billed_rates says how much of it was
billed with which rates, in the order in which it is given back. Of each set of rates no more is
given back than was billed with it, except of the last: it takes all that remains.

If not all of it was billed with the invoice's own rates, the basis of each of these lines says what
was: billed_with, an array of tax_rates and amounts, which add up to what the line comes to. Returns
the lines, and the different sets of rates, the invoice's own first.
*/
create or replace function pgledger.trace_credits(
  invoice pgledger.invoices,
  inout lines pgledger.invoice_lines[],
  out tax_rates jsonb[]
)
language plpgsql
stable
parallel safe
as $$
declare
  v_credit record;
  v_rates jsonb[];
  v_left numeric[];
  v_place integer;
  v_open numeric;
  v_part numeric;
  v_parts jsonb;
begin
  tax_rates := array[pgledger.plain_tax_rates(invoice.tax_rates)];
  for v_credit in
    select
      -- Charges come first: one for a minimum or maximum makes the credit that it is in smaller.
      array_agg(line.nth order by line.amount < 0, line.nth)
      filter (where line.amount <> line.discount) as places
    from unnest(lines) with ordinality as line (
      invoice_key, place, kind, description, item, period_start, period_end, quantity,
      unit_amount, amount, discount, tax, subscription_key, for_period, plan_key, gross,
      counted, events, redemption_key, basis, nth
    )
    where line.subscription_key is not null
    group by
      line.for_period, line.plan_key, line.item, line.gross is null,
      case when line.gross is not null then line.quantity end
    having sum(line.amount - line.discount) < 0
  loop
    select array_agg(billed.tax_rates), array_agg(billed.amount)
    into v_rates, v_left
    from pgledger.billed_rates(lines[v_credit.places[1]], invoice) as billed;
    continue when v_rates is null or v_rates = tax_rates[:1];

    foreach v_place in array v_credit.places loop
      v_open := lines[v_place].amount - lines[v_place].discount;
      v_parts := '[]';
      for v_nth in 1 .. cardinality(v_rates) loop
        v_part := case
          when v_nth < cardinality(v_rates) then greatest(v_open, -v_left[v_nth]) else v_open
        end;
        continue when v_part = 0;
        v_parts := v_parts
          || jsonb_build_object('amount', v_part::text, 'tax_rates', v_rates[v_nth]);
        v_left[v_nth] := v_left[v_nth] + v_part;
        v_open := v_open - v_part;
        if v_rates[v_nth] <> all(tax_rates) then
          tax_rates := array_append(tax_rates, v_rates[v_nth]);
        end if;
      end loop;
      lines[v_place].basis := coalesce(lines[v_place].basis, '{}')
        || jsonb_build_object('billed_with', v_parts);
    end loop;
  end loop;
end;
$$;

comment on function pgledger.trace_credits is
  'The lines of an invoice, its credits with the tax rates that they were billed with.';

revoke all on function pgledger.trace_credits from public;
