/*
Refuses an app or a tenant that the billing store cannot have. Only in the catalogue may the tenant
be empty, where it means the whole app; so an empty tenant is refused here.
Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_billing_scope(
  app_id text,
  tenant_id text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  return pgledger.check_scope('tenant_id', tenant_id, 1);
end;
$$;

comment on function pgledger.check_billing_scope is
  'Raises NullArgument or InvalidScope unless both can name an app and a tenant of it.';

revoke all on function pgledger.check_billing_scope from public;
