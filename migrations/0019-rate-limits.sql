-- The requests taken from each minute's limit, shared by all processes; each takes a share at a
-- time. Unlogged: a write costs no disk, and counts lost in a crash would expire with their minute
-- anyway.
create unlogged table rate_windows (
  window_start timestamptz not null,
  key text not null,
  taken bigint not null,
  primary key (window_start, key)
);

comment on table rate_windows is 'reference';

comment on column rate_windows.key is 'hash of what is limited: an address, or the name of a credential';

comment on column rate_windows.taken is 'by all processes together; above the limit after a request was refused';

grant select, insert, update, delete on rate_windows to spoke_system;
