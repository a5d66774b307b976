/*
What lines give back of what was billed with one set of tax rates, as members of billed_with, in
their order; null for a line that gives back nothing of it. billed is a row of
pgledger.billed_rates, parts is what each line gives back of its amount.

The lines give back their tax, less what came back before, less the share for what is left:
round(tax * left / charged); and of each rate its part of that. So no more comes back than was
charged, and all of it in the end, whatever parts the charge is given back in.
*/
create or replace function pgledger.credited_part(
  parts numeric[],
  billed jsonb,
  exponent integer
)
returns jsonb[]
language plpgsql
immutable
parallel safe
as $$
declare
  v_sum numeric := (select sum(part) from unnest(parts) as part);
  v_charged numeric := billed ->> 'charged';
  v_left numeric := greatest((billed ->> 'amount')::numeric + v_sum, 0);
  v_taxes jsonb[] := array_fill('[]'::jsonb, array[cardinality(parts)]);
  v_tax numeric;
begin
  if 0 = all(parts) then
    return array_fill(null::jsonb, array[cardinality(parts)]);
  end if;

  foreach v_tax in array pgledger.taxes_given_back(billed, v_charged, v_left, v_sum < 0, exponent)
  loop
    v_taxes := array(
      select line.taxes || to_jsonb(line.tax::text)
      from unnest(
        v_taxes,
        pgledger.split_amount(
          array(
            select
              case when v_sum = 0 then 0
                else sign(v_sum)
                  * pgledger.rounded_quotient(v_tax * part, abs(v_sum), exponent + 18)
              end
            from unnest(parts) with ordinality as given (part, place)
            order by given.place
          ),
          v_tax,
          exponent
        )
      ) with ordinality as line (taxes, tax, place)
      order by line.place
    );
  end loop;

  return array(
    select
      case when given.part <> 0 then jsonb_build_object(
        'amount', given.part::text, 'tax_rates', billed -> 'tax_rates', 'taxes', given.taxes
      ) end
    from unnest(parts, v_taxes) with ordinality as given (part, taxes, place)
    order by given.place
  );
end;
$$;

comment on function pgledger.credited_part is
  'What lines give back of what was billed with one set of tax rates, with its tax.';

revoke all on function pgledger.credited_part from public;
