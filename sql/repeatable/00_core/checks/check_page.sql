/*
Refuses a page size or a page offset that is out of range.
Errors: NullArgument, InvalidPage.
*/
create or replace function pgledger.check_page(page_size integer, page_offset bigint)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if page_size is null then
    v_ok := pgledger.fail('NullArgument', array['page_size']);
  elsif page_size not between 1 and 10000 then
    v_ok := pgledger.fail(
      'InvalidPage', array['page_size', page_size::text, 'it is not between 1 and 10000']
    );
  elsif page_offset is null then
    v_ok := pgledger.fail('NullArgument', array['page_offset']);
  elsif page_offset < 0 then
    v_ok := pgledger.fail('InvalidPage', array['page_offset', page_offset::text, 'it is negative']);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_page is
  'Raises NullArgument or InvalidPage unless page_size and page_offset are in range.';

revoke all on function pgledger.check_page from public;
