-- Requests from callers and calls to HubSpot: stored responses, rate limits, budgets.

-- A caller that received no response repeats its request with the same Idempotency-Key, and the
-- work is not done twice. No foreign key: a connect claims its key before its tenant is created.
create table idempotency_keys (
  tenant_id uuid not null,
  key_hash text not null,
  claim uuid not null,
  salt text not null,
  request_hash text not null,
  lease_until timestamptz,
  status smallint,
  response json,
  expires_at timestamptz not null,
  primary key (tenant_id, key_hash),
  check ((status is null) = (response is null))
);

comment on table idempotency_keys is 'distributed: tenant_id';

comment on column idempotency_keys.key_hash is 'hash of the key that the caller sent';

comment on column idempotency_keys.claim is 'identifies the request in progress';

comment on column idempotency_keys.request_hash is 'salted hash of method, path and body; salted because the body of a connect request contains a token';

comment on column idempotency_keys.lease_until is 'while no response is stored: when another request may take over the key';

comment on column idempotency_keys.response is 'the response as it was sent; never contains a secret';

create index idempotency_keys_expiry on idempotency_keys (tenant_id, expires_at);

alter table idempotency_keys enable row level security, force row level security;

create policy own_tenant on idempotency_keys to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on idempotency_keys to spoke_app;

-- The system role finds expired ones, including those of tenants that were never created.
create policy find_expired on idempotency_keys for select to spoke_system using (expires_at <= now());

grant select (tenant_id, expires_at) on idempotency_keys to spoke_system;

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

-- The calls that a HubSpot account still allows, shared by all processes. No tenant: several
-- tenants may share one account. Also the limit that HubSpot reports, the share reserved for
-- interactive calls, and until when a budget is closed.
create table budgets (
  app text not null,
  hub_id bigint not null,
  bucket text not null check (bucket in ('calls', 'search', 'associations')),
  next_slot_at timestamptz not null,
  max_calls int,
  interval_ms int,
  daily_limit bigint,
  daily_left bigint,
  pace float8 not null default 1,
  paced_at timestamptz not null default 'epoch',
  next_reserved_slot_at timestamptz not null default 'epoch',
  dense_until timestamptz not null default 'epoch',
  interactive_at timestamptz not null default 'epoch',
  slots_given bigint not null default 0,
  closed_until timestamptz not null default 'epoch',
  closed_by text,
  probing_until timestamptz not null default 'epoch',
  primary key (app, hub_id, bucket)
);

comment on table budgets is 'reference';

comment on column budgets.next_slot_at is 'when the next slot of the whole budget is due (GCRA)';

comment on column budgets.max_calls is 'calls per interval_ms, as last reported by HubSpot; null: not reported yet';

comment on column budgets.pace is 'the part of the limit that was available to us at paced_at, 0 to 1; grows back over time';

comment on column budgets.next_reserved_slot_at is 'when the next slot of the share reserved for interactive calls is due';

comment on column budgets.dense_until is 'until then, background slots leave no gaps for interactive calls';

comment on column budgets.slots_given is 'slots given out so far; used to tell other apps'' calls from our own';

comment on column budgets.closed_by is 'the policy of the last 429; daily: one probe at a time checks whether the limit still applies';

grant select, insert, update, delete on budgets to spoke_system;
