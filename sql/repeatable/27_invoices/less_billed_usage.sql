/*
What usage of a feature comes to by a plan's price, less what has been billed of it. If more was
billed than it comes to, its amounts together give back what was paid of that: they are reduced by
the share that the discount had. The gross amounts then say what they were before.
*/
create or replace function pgledger.less_billed_usage(
  charge pgledger.usage_charge,
  bills pgledger.billed_charge[],
  exponent integer
)
returns pgledger.usage_charge
language plpgsql
immutable
parallel safe
as $$
declare
  v_bill pgledger.billed_charge;
  v_gross numeric;
begin
  foreach v_bill in array bills loop
    continue when v_bill.plan_key <> charge.plan_key or v_bill.item <> charge.feature_key;
    charge.quantity := charge.quantity - v_bill.quantity;
    charge.amount := charge.amount - v_bill.amount;
    charge.true_up := charge.true_up - v_bill.true_up;
    charge.cap := charge.cap - v_bill.cap;
    charge.events := charge.events - v_bill.events;

    v_gross := v_bill.amount + v_bill.true_up + v_bill.cap;
    if v_bill.net <> v_gross and charge.amount + charge.true_up + charge.cap < 0 then
      charge.gross_amount := charge.amount;
      charge.gross_true_up := charge.true_up;
      charge.gross_cap := charge.cap;
      charge.true_up := pgledger.rounded_quotient(
        charge.gross_true_up * v_bill.net, v_gross, exponent
      );
      charge.cap := pgledger.rounded_quotient(charge.gross_cap * v_bill.net, v_gross, exponent);
      charge.amount := pgledger.rounded_quotient(
        (charge.gross_amount + charge.gross_true_up + charge.gross_cap) * v_bill.net, v_gross,
        exponent
      ) - charge.true_up - charge.cap;
    end if;
  end loop;
  return charge;
end;
$$;

comment on function pgledger.less_billed_usage is
  'What usage comes to by a price, less what has been billed of it.';

revoke all on function pgledger.less_billed_usage from public;
