/*
Tax rates in one spelling, so that equal ones are equal: percentages without zeros at their end, and
no members that are null.
*/
create or replace function pgledger.plain_tax_rates(tax_rates jsonb)
returns jsonb
language sql
immutable
parallel safe
as $$
  select
    coalesce(
      jsonb_agg(
        jsonb_strip_nulls(
          jsonb_build_object(
            'name', rate.value -> 'name',
            'percentage', trim_scale((rate.value ->> 'percentage')::numeric)::text,
            'applies_to', rate.value -> 'applies_to'
          )
        )
        order by rate.place
      ),
      '[]'
    )
  from jsonb_array_elements(tax_rates) with ordinality as rate (value, place)
$$;

comment on function pgledger.plain_tax_rates is
  'Tax rates in one spelling, so that equal ones are equal.';

revoke all on function pgledger.plain_tax_rates from public;
