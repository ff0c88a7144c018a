-- The length of each JSON value, so that a page can be limited by bytes before any is read: values
-- are stored compressed and out of line, so measuring one means reading it.
alter table issues
  add column bytes integer not null generated always as (octet_length(properties::text)) stored;

comment on column issues.bytes is 'size of the properties, as JSON';

alter table issue_associations
  add column bytes integer not null generated always as (octet_length(associations::text)) stored;

comment on column issue_associations.bytes is 'size of the associations, as JSON';

alter table changes
  add column bytes integer not null generated always as (coalesce(octet_length(detail::text), 0)) stored;

comment on column changes.bytes is 'size of the detail, as JSON';
