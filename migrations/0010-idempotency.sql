-- Stored responses: a caller that received none repeats its request with the same Idempotency-Key,
-- and the work is not done twice.
create table idempotency_keys (
  tenant_id uuid not null,
  key_hash text not null,
  claim uuid not null,
  salt text not null,
  request_hash text not null,
  lease_until timestamptz,
  status smallint,
  answer json,
  expires_at timestamptz not null,
  primary key (tenant_id, key_hash),
  check ((status is null) = (answer is null))
);

comment on table idempotency_keys is 'distributed: tenant_id';

comment on column idempotency_keys.key_hash is 'hash of the key that the caller sent';

comment on column idempotency_keys.claim is 'identifies the request in progress';

comment on column idempotency_keys.request_hash is 'salted hash of method, path and body; salted because the body of a connect request contains a token';

comment on column idempotency_keys.lease_until is 'while no response is stored: when another request may take over the key';

comment on column idempotency_keys.answer is 'the response as it was sent; never contains a secret';

-- No foreign key: a connect claims its key before its tenant is created.
create index idempotency_keys_expiry on idempotency_keys (tenant_id, expires_at);

alter table idempotency_keys enable row level security;

alter table idempotency_keys force row level security;

create policy own_tenant on idempotency_keys to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

grant select, insert, update, delete on idempotency_keys to spoke_app;
