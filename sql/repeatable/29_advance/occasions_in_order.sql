/*
Occasions to invoice a subscription in the order in which drafts have to become final, each invoice
once, as the lowest version asks for it. Nearly always they are in order already, which is cheaper
to see than to sort them.
*/
create or replace function pgledger.occasions_in_order(occasions pgledger.invoice_occasion[])
returns pgledger.invoice_occasion[]
language plpgsql
immutable
parallel safe
as $$
declare
  v_occasion pgledger.invoice_occasion;
  v_before pgledger.invoice_occasion;
begin
  foreach v_occasion in array occasions loop
    if (v_before.period_start, v_before.place, v_before.change_version)
      >= (v_occasion.period_start, v_occasion.place, v_occasion.change_version) then
      return array(
        select distinct on (occasion.period_start, occasion.place, occasion.change_version)
          occasion
        from unnest(occasions) as occasion
        order by
          occasion.period_start, occasion.place, occasion.change_version, occasion.version
      );
    end if;
    v_before := v_occasion;
  end loop;
  return occasions;
end;
$$;

comment on function pgledger.occasions_in_order is
  'Occasions to invoice a subscription in the order in which drafts become final, each once.';

revoke all on function pgledger.occasions_in_order from public;
