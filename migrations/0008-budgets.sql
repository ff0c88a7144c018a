-- A budget also records the limit HubSpot reports, reserves a share for interactive calls, and
-- stores when it is closed.
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

comment on column budgets.next_at is 'when the next slot of the whole budget is due (GCRA)';

comment on column budgets.max_calls is 'calls per interval_ms, as last reported by HubSpot; null: not reported yet';

comment on column budgets.pace is 'the part of the limit that was available to us at paced_at, 0 to 1; grows back over time';

comment on column budgets.reserved_at is 'when the next slot of the share reserved for interactive calls is due';

comment on column budgets.dense_until is 'until then, background slots leave no gaps for interactive calls';

comment on column budgets.turns is 'slots given out so far; used to tell other apps'' calls from our own';

comment on column budgets.closed_by is 'the policy of the last 429; daily: one probe at a time checks whether the limit still applies';
