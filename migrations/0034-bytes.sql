-- How long the bags are as JSON, so that a page is cut by bytes before any of them is read: a bag is stored compressed and out of
-- line, and to measure it is to read it.
alter table issues
  add column bytes integer not null generated always as (octet_length(properties::text)) stored;

comment on column issues.bytes is 'of the properties, as JSON';

alter table issue_associations
  add column bytes integer not null generated always as (octet_length(associations::text)) stored;

comment on column issue_associations.bytes is 'of the associations, as JSON';

alter table changes
  add column bytes integer not null generated always as (coalesce(octet_length(detail::text), 0)) stored;

comment on column changes.bytes is 'of the detail, as JSON';
