/*
The id of the hold that a posting ended, if it ended one: the hold is posted, and no later posting
of it follows. Postings are told by what they come from and by the version of the account that they
leave.
*/
create or replace function pgledger.hold_ended_by(origin_id text, from_version bigint)
returns setof text
language sql
stable
parallel safe
as $$
  select holds.id
  from pgledger.holds
  where starts_with(hold_ended_by.origin_id, 'pglh_')
    and holds.id = hold_ended_by.origin_id
    and holds.status = 1
    and not exists (
      select
      from pgledger.transfers as later
      where later.app_id = holds.app_id
        and later.origin_id = holds.id
        and later.from_version > hold_ended_by.from_version
    )
$$;

comment on function pgledger.hold_ended_by is
  'Id of the hold of which that posting is the last one, or no row.';

revoke all on function pgledger.hold_ended_by from public;
