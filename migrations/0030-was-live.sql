-- A ticket that was never live here stands in no change of the feed until it is: nobody was told of it before.
alter table issues add column was_live boolean not null default true;

comment on column issues.was_live is 'whether it was ever live here; a tombstone that was not is reported by no change';
