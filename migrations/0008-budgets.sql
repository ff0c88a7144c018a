-- A budget learns the limit HubSpot tells, keeps a share for calls that people wait for, and knows when it is closed.
alter table budgets
  add column max_calls int,
  add column interval_ms int,
  add column daily_limit bigint,
  add column daily_left bigint,
  add column pace float8 not null default 1,
  add column paced_at timestamptz not null default 'epoch',
  add column reserved_at timestamptz not null default 'epoch',
  add column dense_until timestamptz not null default 'epoch',
  add column interactive_at timestamptz not null default 'epoch',
  add column turns bigint not null default 0,
  add column closed_until timestamptz not null default 'epoch',
  add column closed_by text,
  add column probing_until timestamptz not null default 'epoch';

alter table budgets drop constraint budgets_bucket_check;

alter table budgets add constraint budgets_bucket_check check (bucket in ('calls', 'search', 'associations'));

comment on column budgets.next_at is 'when the next turn of the whole budget is due (GCRA)';

comment on column budgets.max_calls is 'calls per interval_ms, as HubSpot last said; null while it has not';

comment on column budgets.pace is 'the part of the limit that was ours at paced_at, 0 to 1; grows back with time';

comment on column budgets.reserved_at is 'when the next turn of the share kept for interactive calls is due';

comment on column budgets.dense_until is 'until then background turns were given without gaps for interactive calls';

comment on column budgets.turns is 'turns given so far, by which foreign traffic is told from our own';

comment on column budgets.closed_by is 'the policy of the last 429; daily: only one probe at a time may find out whether it still stands';
