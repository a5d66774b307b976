/*
What a call is to give back of a transfer: the amount that it asks for, or all that is left. The
caller has locked the accounts, so nobody else reverses the transfer meanwhile.

Errors: TransferReversed, ReversalExceeded.
*/
create or replace function pgledger.amount_to_reverse(
  transfer pgledger.transfers,
  requested_amount numeric
)
returns numeric
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_left numeric := transfer.amount - pgledger.reversed_amount(transfer.id, transfer.app_id);
  v_ok boolean;
begin
  if v_left = 0 then
    v_ok := pgledger.fail('TransferReversed', array[transfer.id, transfer.amount::text]);
  elsif requested_amount > v_left then
    v_ok := pgledger.fail(
      'ReversalExceeded',
      array[
        transfer.id, v_left::text, transfer.amount::text,
        pgledger.abridged(requested_amount::text)
      ]
    );
  end if;

  return case
    when requested_amount is null then v_left
    when scale(requested_amount) > 18 then trim_scale(requested_amount)
    else requested_amount
  end;
end;
$$;

comment on function pgledger.amount_to_reverse is
  'What a call gives back of a transfer; raises an error if less than that is left of it.';

revoke all on function pgledger.amount_to_reverse from public;
