/*
Whether what a key's row keeps can be a request for that function: it has each argument that such a
request always gives, and none that the function does not take.
*/
create or replace function pgledger.request_is_whole(function_name text, request jsonb)
returns boolean
language sql
immutable
parallel safe
as $$
  select coalesce(
    (
      select
        case
          when jsonb_typeof(request) = 'object'
            then request ?& taken.always and request - (taken.always || taken.others) = '{}'
          else false
        end
      from (
        values
          (
            'create_account', '{name,currency,tenant_id}'::text[],
            '{min_balance,max_balance,metadata,id}'::text[]
          ),
          (
            'ensure_account', '{name,currency,tenant_id}', '{min_balance,max_balance,metadata}'
          ),
          (
            'create_transfer', '{from_account_id,to_account_id,amount}',
            '{event_at,metadata,id,group_id,require_from_version,require_to_version}'::text[]
            || '{require_from_balance,require_to_balance}'
          ),
          (
            'create_transfer_by_name', '{from_name,to_name,amount,currency}',
            '{event_at,metadata,id,group_id,require_from_version,require_to_version}'::text[]
            || '{require_from_balance,require_to_balance,from_tenant_id,to_tenant_id}'
          ),
          (
            'create_hold', '{from_account_id,to_account_id,amount}',
            '{expires_at,expires_in,event_at,metadata,id,group_id}'
          ),
          ('post_hold', '{hold_id,final}', '{amount,event_at,metadata,id}'),
          ('void_hold', '{hold_id}', '{}'),
          ('extend_hold', '{hold_id}', '{expires_at}'),
          (
            'sweep', '{from_account_id,to_account_id,keep}', '{max_amount,event_at,metadata,id}'
          ),
          ('reverse_transfer', '{transfer_id}', '{amount,event_at,metadata,id}'),
          (
            'reverse_transfer_over_limits', '{transfer_id,reason}',
            '{amount,event_at,metadata,id}'
          )
      ) as taken (name, always, others)
      where 'pgledger_' || taken.name = function_name
    ),
    false
  )
$$;

comment on function pgledger.request_is_whole is
  'Whether a key''s row keeps all arguments that such a request gives, and no others.';

revoke all on function pgledger.request_is_whole from public;
