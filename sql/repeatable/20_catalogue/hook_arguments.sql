/*
Types of what a hook is told: what happened, app, tenant, id of what it happened to, and when.
*/
create or replace function pgledger.hook_arguments()
returns oidvector
language sql
immutable
parallel safe
as $$
  select '25 25 25 25 1184'::oidvector
$$;

comment on function pgledger.hook_arguments is 'Types of what a hook is told.';

revoke all on function pgledger.hook_arguments from public;
