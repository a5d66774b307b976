-- The least that keeps accounts and transfers: narrow tables, and a function that updates the two
-- balances in key order and inserts one row.

create table pgledger_floor.accounts (
  key bigint primary key,
  balance bigint not null
) with (fillfactor = 50);

create table pgledger_floor.transfers (
  id uuid primary key,
  from_key bigint not null,
  to_key bigint not null,
  amount bigint not null
);

-- The name of what makes the id is replaced where the server can make ids in ascending order.
create function pgledger_floor.transfer(from_key bigint, to_key bigint, amount bigint)
returns uuid
language plpgsql
as $function$
declare
  v_id uuid := pg_catalog.gen_random_uuid();
begin
  if transfer.from_key < transfer.to_key then
    update pgledger_floor.accounts as a
    set balance = a.balance - transfer.amount where a.key = transfer.from_key;
    update pgledger_floor.accounts as a
    set balance = a.balance + transfer.amount where a.key = transfer.to_key;
  else
    update pgledger_floor.accounts as a
    set balance = a.balance + transfer.amount where a.key = transfer.to_key;
    update pgledger_floor.accounts as a
    set balance = a.balance - transfer.amount where a.key = transfer.from_key;
  end if;
  insert into pgledger_floor.transfers (id, from_key, to_key, amount)
  values (v_id, transfer.from_key, transfer.to_key, transfer.amount);
  return v_id;
end
$function$;
