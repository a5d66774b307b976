/*
Says in words what a price, or one of its tiers, is for. A tier is named by its bounds, which need
not be whole numbers: what is above one tier begins right after it.
*/
create or replace function pgledger.price_description(
  price jsonb,
  above numeric,
  up_to numeric
)
returns text
language sql
immutable
parallel safe
as $$
  select case price ->> 'model'
    when 'flat' then 'flat amount'
    when 'per_unit' then 'per unit'
    when 'percentage' then trim_scale((price ->> 'percentage')::numeric)::text || ' %'
    when 'package' then
      'packages of ' || trim_scale((price ->> 'package_size')::numeric)::text
      || coalesce(
        ', first ' || nullif(trim_scale((price ->> 'free')::numeric), 0)::text || ' free', ''
      )
    else case
      when above = 0 and up_to is null then 'any quantity'
      when above = 0 then 'up to ' || trim_scale(up_to)::text
      when up_to is null then 'above ' || trim_scale(above)::text
      else 'above ' || trim_scale(above)::text || ' up to ' || trim_scale(up_to)::text
    end
  end
$$;

comment on function pgledger.price_description is
  'What a price, or its tier between those bounds, is for, in words.';

revoke all on function pgledger.price_description from public;
