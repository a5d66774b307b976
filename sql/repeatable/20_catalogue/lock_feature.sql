/*
The feature with that id, its row locked: FOR UPDATE if it is to be deleted, so that nothing can
begin to refer to it, and FOR NO KEY UPDATE if it is to be changed.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound.
*/
create or replace function pgledger.lock_feature(
  app_id text,
  id text,
  to_delete boolean default false
)
returns pgledger.features
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_feature pgledger.features;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, all_apps_allowed => true);
  v_ok := pgledger.check_id('id', id, 'feat');

  if to_delete then
    v_feature := (
      select features
      from pgledger.features
      where features.id = lock_feature.id and features.app_id = lock_feature.app_id
      for update
    );
  else
    v_feature := (
      select features
      from pgledger.features
      where features.id = lock_feature.id and features.app_id = lock_feature.app_id
      for no key update
    );
  end if;

  if v_feature.id is null then
    v_ok := pgledger.fail('FeatureNotFound', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return v_feature;
end;
$$;

comment on function pgledger.lock_feature is
  'The feature with that id, locked to be changed or deleted; raises FeatureNotFound.';

revoke all on function pgledger.lock_feature from public;
