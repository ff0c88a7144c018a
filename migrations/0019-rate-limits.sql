-- What a minute still allows, shared by all processes: each takes a share of it at a time. Unlogged: a write costs no disk, and
-- what a crash of the database forgets is gone with its minute anyway.
create unlogged table rate_windows (
  window_start timestamptz not null,
  key text not null,
  taken bigint not null,
  primary key (window_start, key)
);

comment on table rate_windows is 'reference';

comment on column rate_windows.key is 'a hash of what is limited: an address, or the name of a credential';

comment on column rate_windows.taken is 'by all processes together; above the limit when one asked in vain';

grant select, insert, update, delete on rate_windows to spoke_system;
