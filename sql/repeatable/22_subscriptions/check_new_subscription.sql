/*
Refuses a request for a subscription that has a wrong value. The order of the checks is that of the
arguments.

Errors: NullArgument, InvalidTime, InvalidArgument, InvalidQuantity, InvalidMetadata, InvalidId,
InvalidInvoice.
*/
create or replace function pgledger.check_new_subscription(
  request pgledger.subscriptions,
  trial_days integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_started_fault text := coalesce(
    pgledger.time_fault(request.started_at),
    case
      when request.started_at > request.created_at + interval '100 years'
        then 'it is more than 100 years ahead'
    end
  );
  v_anchor_fault text := pgledger.time_fault(request.anchor_at);
  v_ok boolean;
begin
  if request.started_at is not null and v_started_fault is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['started_at', request.started_at::text, v_started_fault]
    );
  elsif request.anchor_at is not null and v_anchor_fault is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['anchor_at', request.anchor_at::text, v_anchor_fault]
    );
  end if;

  v_ok := pgledger.check_time_zone(request.time_zone);
  if trial_days not between 0 and 3650 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['trial_days', trial_days::text, 'it is not between 0 and 3650']
    );
  end if;
  v_ok := pgledger.check_subscription_quantity(request.quantity);
  v_ok := pgledger.check_metadata(request.metadata);
  if request.id is not null then
    v_ok := pgledger.check_id('id', request.id, 'sub');
  end if;
  return pgledger.check_tax_rates(request.tax_rates);
end;
$$;

comment on function pgledger.check_new_subscription is
  'Raises the first thing that is wrong with a value of a request for a subscription.';

revoke all on function pgledger.check_new_subscription from public;
