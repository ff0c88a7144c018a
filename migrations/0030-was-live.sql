-- A ticket that was never live here is in no change of the feed until it is: it was never reported.
alter table issues add column was_live boolean not null default true;

comment on column issues.was_live is 'whether the issue was ever live here; no change reports a tombstone that was not';
