/*
What a coupon takes off lines of which so much is left: in all, off which sum, and off each line. A
line that the coupon is not for counts as zero. A percentage is rounded once. An amount is at most
what there is to take it off. Either is split over the lines by largest remainder. Where it comes to
nothing, there are no shares.
*/
create or replace function pgledger.coupon_shares(
  amounts numeric[],
  items text[],
  applies_to text[],
  percentage numeric,
  amount numeric,
  exponent integer,
  out base numeric,
  out discount numeric,
  out shares numeric[]
)
language plpgsql
immutable
parallel safe
as $$
declare
  v_parts numeric[] := array(
    select
      case when applies_to is null or part.item = any(applies_to) then part.amount else 0 end
    from unnest(amounts, items) with ordinality as part (amount, item, place)
    order by part.place
  );
begin
  base := (select sum(part) from unnest(v_parts) as part);
  discount := coalesce(
    round(base * percentage * 0.01, exponent),
    round(least(amount, base), exponent)
  );
  if discount > 0 then
    -- Digits enough, and as many for each, so that equal remainders are equal.
    shares := pgledger.split_amount(
      array(
        select pgledger.rounded_quotient(discount * part.value, base, exponent + 18)
        from unnest(v_parts) with ordinality as part (value, place)
        order by part.place
      ),
      discount,
      exponent
    );
  end if;
end;
$$;

comment on function pgledger.coupon_shares is
  'What a coupon takes off lines: off which sum, in all, and off each line.';

revoke all on function pgledger.coupon_shares from public;
