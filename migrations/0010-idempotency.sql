-- Answers that are given again: a caller who heard nothing asks again with the same Idempotency-Key, and nothing is done twice.
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

comment on column idempotency_keys.key_hash is 'of the key that the caller sent';

comment on column idempotency_keys.claim is 'whose request is under way';

comment on column idempotency_keys.request_hash is 'of method, path and body, salted: the body of a connect holds a token';

comment on column idempotency_keys.lease_until is 'while no answer is kept: another may take the key after this';

comment on column idempotency_keys.answer is 'as it was given; never of anything secret';

-- No foreign key: a connect claims its key before its tenant is made.
create index idempotency_keys_expiry on idempotency_keys (tenant_id, expires_at);

alter table idempotency_keys enable row level security;

alter table idempotency_keys force row level security;

create policy own_tenant on idempotency_keys to spoke_app
  using (tenant_id = (select spoke_tenant())) with check (tenant_id = (select spoke_tenant()));

grant select, insert, update, delete on idempotency_keys to spoke_app;
