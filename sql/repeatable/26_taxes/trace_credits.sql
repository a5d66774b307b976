/*
Finds out with which tax rates the credits of an invoice were billed, and gives back their tax.

Lines belong together if they are for the same period, plan and item, and for a base fee the same
quantity. If together they come to less than zero after discounts, they give back what earlier
invoices, those that stand, have billed for that. pgledger.billed_rates says how much of it was
billed with which rates, in the order in which it is given back. Of each set of rates no more is
given back than was billed with it, except of the last: it takes all that remains.

Returns the lines. The basis of each of these says what it gives back: billed_with, an array of
amounts, which add up to what the line comes to, with the tax_rates they were billed with and the
tax of each that comes back.
*/
create or replace function pgledger.trace_credits(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[],
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
stable
parallel safe
as $$
declare
  v_credit record;
  v_billed jsonb;
  v_open numeric[];
  v_left numeric;
  v_parts numeric[];
  v_given jsonb[];
  v_place integer;
begin
  for v_credit in
    select
      -- Charges come first: one for a minimum or maximum makes the credit that it is in smaller.
      array_agg(line.nth order by line.amount < 0, line.nth)
      filter (where line.amount <> line.discount) as places,
      array_agg(line.amount - line.discount order by line.amount < 0, line.nth)
      filter (where line.amount <> line.discount) as amounts
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
    v_billed := (
      select jsonb_agg(billed)
      from pgledger.billed_rates(lines[v_credit.places[1]], invoice) as billed
    );
    continue when v_billed is null;

    v_open := v_credit.amounts;
    for v_set in 0 .. jsonb_array_length(v_billed) - 1 loop
      v_left := v_billed -> v_set ->> 'amount';
      v_parts := '{}';
      for v_nth in 1 .. cardinality(v_open) loop
        v_parts[v_nth] := case
          when v_set < jsonb_array_length(v_billed) - 1 then greatest(v_open[v_nth], -v_left)
          else v_open[v_nth]
        end;
        v_left := v_left + v_parts[v_nth];
        v_open[v_nth] := v_open[v_nth] - v_parts[v_nth];
      end loop;

      v_given := pgledger.credited_part(v_parts, v_billed -> v_set, exponent);
      for v_nth in 1 .. cardinality(v_given) loop
        continue when v_given[v_nth] is null;
        v_place := v_credit.places[v_nth];
        lines[v_place].basis := coalesce(lines[v_place].basis, '{}') || jsonb_build_object(
          'billed_with', coalesce(lines[v_place].basis -> 'billed_with', '[]') || v_given[v_nth]
        );
        lines[v_place].tax := lines[v_place].tax + (
          select coalesce(sum(tax.value::numeric), 0)
          from jsonb_array_elements_text(v_given[v_nth] -> 'taxes') as tax
        );
      end loop;
    end loop;
  end loop;
  return lines;
end;
$$;

comment on function pgledger.trace_credits is
  'The lines of an invoice, its credits with the tax that they give back.';

revoke all on function pgledger.trace_credits from public;
