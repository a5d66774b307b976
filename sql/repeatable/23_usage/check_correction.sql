/*
Refuses arguments that cannot correct or remove an event. Whether the event is there is asked under
its lock, by pgledger.correct_usage.

Checks, in this order: app_id, tenant_id, id, event_at, quantity (unless the event is removed),
reason.
Errors: NullArgument, InvalidScope, InvalidId, InvalidQuantity, InvalidArgument.
*/
create or replace function pgledger.check_correction(
  app_id text,
  tenant_id text,
  id text,
  event_at timestamptz,
  quantity numeric,
  is_removed boolean,
  reason text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('id', id, 'evt');
  if event_at is null then
    v_ok := pgledger.fail('NullArgument', array['event_at']);
  end if;
  if not is_removed then
    v_ok := pgledger.check_quantity('quantity', quantity);
  end if;
  if reason is not null then
    v_ok := pgledger.check_text('reason', reason, 1000, allow_invisible => true);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_correction is
  'Refuses arguments that cannot correct or remove a usage event.';

revoke all on function pgledger.check_correction from public;
