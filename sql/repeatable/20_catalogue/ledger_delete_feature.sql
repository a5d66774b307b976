/*
Recorded usage belongs to the feature that its key names for its tenant now.

Locks the feature FOR UPDATE. Whoever writes a plan that contains it holds it FOR SHARE, and a plan
that is written refers to it by a foreign key.
*/
create or replace function @extschema@.ledger_delete_feature(
  app_id text,
  id text
)
returns @extschema@.ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.features := pgledger.lock_feature(app_id, id, to_delete => true);
  v_feature record := pgledger.feature_with_id(id);
  v_fault text;
  v_ok boolean;
begin
  if exists (
    select
    from pgledger.meters
    where meters.feature_key = v_old.key
      and v_old.app_id in (meters.app_id, '*')
      and v_old.tenant_id in (meters.tenant_id, '')
      and (
        pgledger.find_feature(meters.app_id, meters.feature_key, meters.tenant_id)
      ).id = v_old.id
  ) then
    v_fault := 'usage of it was recorded';
  else
    begin
      delete from pgledger.features
      where features.id = v_old.id;
    exception
      when foreign_key_violation then
        v_fault := 'plans contain it';
    end;
  end if;

  if v_fault is not null then
    v_ok := pgledger.fail(
      'InUse', array['feature', quote_literal(v_old.key), 'deleted', v_fault]
    );
  end if;

  return v_feature;
end;
$$;

comment on function @extschema@.ledger_delete_feature is
$$Deletes a feature that no plan contains and that was never used.

app_id: App that it belongs to; * for a feature of all apps.
id: Id of the feature.

Returns: The feature as it was.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound (the app has no
  such feature), InUse (a plan contains it, or usage of it was recorded;
  archive it instead).$$;

revoke all on function @extschema@.ledger_delete_feature from public;
grant execute on function @extschema@.ledger_delete_feature to pgledger_poster;
