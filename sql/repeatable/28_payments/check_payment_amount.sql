/*
Refuses an amount that is out of range, or has more decimal places than the currency.
Errors: InvalidAmount.
*/
create or replace function pgledger.check_payment_amount(
  amount numeric,
  currency text,
  exponent integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := coalesce(
    pgledger.amount_fault(amount),
    case
      when min_scale(amount) > exponent
        then format(
          '%s has %s decimal %s',
          currency,
          exponent,
          case when exponent = 1 then 'place' else 'places' end
        )
    end
  );
  v_ok boolean;
begin
  if v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidAmount', array[coalesce(pgledger.abridged(amount::text), 'null'), v_fault]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_payment_amount is
  'Raises InvalidAmount unless that can be paid in a currency of so many decimal places.';

revoke all on function pgledger.check_payment_amount from public;
