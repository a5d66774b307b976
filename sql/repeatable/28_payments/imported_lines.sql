/*
The lines of an imported invoice as they are written down. A line that says it is a base fee or
usage takes the place of what the subscription's period comes to for that, which drawn has: it is
billed for good, and for what the line says. So nothing of it is billed again, and a later credit
gives back its share of the line's amount, as it does where a coupon has lowered it.

Where a charge has several lines, because the plan changed or the price has a bound, the amount is
split over them.

Errors: InvalidInvoice.
*/
create or replace function pgledger.imported_lines(
  lines pgledger.invoice_lines[],
  drawn pgledger.invoice_lines[],
  subscription pgledger.subscriptions,
  period_start timestamptz,
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
stable
parallel safe
as $$
declare
  v_lines pgledger.invoice_lines[] := '{}';
  v_given pgledger.invoice_lines;
  v_line pgledger.invoice_lines;
  v_for_period timestamptz;
  v_places bigint[];
  v_used bigint[] := '{}';
  v_whole numeric;
  v_parts numeric[];
  v_ok boolean;
begin
  foreach v_given in array lines loop
    if v_given.kind = 'item' then
      v_lines := v_lines || v_given;
      continue;
    end if;

    v_for_period := (
      pgledger.billing_period(subscription, coalesce(v_given.period_start, period_start))
    ).starts_at;
    select array_agg(part.nth order by part.nth), sum(part.amount)
    into v_places, v_whole
    from unnest(drawn) with ordinality as part (
      invoice_key, place, kind, description, item, period_start, period_end, quantity,
      unit_amount, amount, discount, tax, subscription_key, for_period, plan_key, gross, counted,
      events, redemption_key, basis, nth
    )
    where part.for_period = v_for_period
      and part.nth <> all(v_used)
      and case v_given.kind
        when 'base_fee' then part.gross > 0
        else part.gross is null and part.kind <> 'late_usage' and part.item = v_given.item
      end;
    if v_places is null then
      v_ok := pgledger.refuse_json(
        null, format('$.lines[%s]', v_given.place - 1),
        'bills something that the period does not come to, or that another line bills'
      );
    end if;

    v_used := v_used || v_places;
    v_parts := pgledger.split_amount(
      array(
        select
          case when v_whole = 0 then 0
            else v_given.amount * drawn[place.value].amount / v_whole
          end
        from unnest(v_places) with ordinality as place (value, nth)
        order by place.nth
      ),
      v_given.amount,
      exponent
    );
    for v_nth in 1 .. cardinality(v_places) loop
      v_line := drawn[v_places[v_nth]];
      v_line.description := v_given.description;
      v_line.unit_amount := null;
      if v_line.gross is null and v_line.amount <> v_parts[v_nth] then
        v_line.basis := v_line.basis || jsonb_build_object('gross', v_line.amount::text);
      end if;
      v_line.amount := v_parts[v_nth];
      v_lines := v_lines || v_line;
    end loop;
  end loop;
  return v_lines;
end;
$$;

comment on function pgledger.imported_lines is
  'The lines of an imported invoice as they are written down.';

revoke all on function pgledger.imported_lines from public;
