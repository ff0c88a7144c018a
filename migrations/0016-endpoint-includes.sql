-- What the webhooks of an endpoint contain besides the change.
alter table endpoints add column include text[] not null default '{}';

comment on column endpoints.include is 'exported: issue: a change of an issue has the issue as of that change';
