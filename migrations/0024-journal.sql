-- The webhooks journal of HubSpot: how far we read it, and the accounts that it is to tell of.

-- Only an account that has our own app is told of, and each time somebody connects it, it is to be asked for anew.
alter table portal_routes add column installed_at timestamptz;

comment on column portal_routes.installed_at is 'when our own app was last connected to the account; null: a pasted token';

alter table tenant_integrations no force row level security;

alter table integration_tokens no force row level security;

alter table portal_routes no force row level security;

update portal_routes r set installed_at = coalesce(i.connected_at, now())
from tenant_integrations i join integration_tokens t on t.tenant_id = i.tenant_id and t.integration_id = i.integration_id
where i.tenant_id = r.tenant_id and i.integration_id = r.integration_id and t.kind = 'oauth';

alter table portal_routes force row level security;

alter table integration_tokens force row level security;

alter table tenant_integrations force row level security;

grant update (installed_at) on portal_routes to spoke_app;

-- One row: HubSpot keeps one journal for an app. Another app's begins from its own beginning.
create table journals (
  client_id text primary key,
  position text,
  read_at timestamptz,
  lease_until timestamptz,
  lease_by text,
  failures integer not null default 0,
  not_before timestamptz,
  error_code text,
  restarted_at timestamptz,
  bad_offset text,
  bad_since timestamptz
);

comment on table journals is 'reference';

comment on column journals.position is 'HubSpot''s offset of the file that was kept last; null: from the earliest that there is';

comment on column journals.read_at is 'when HubSpot last told of a file, or that there is no newer one';

comment on column journals.restarted_at is 'when it was last begun from the earliest, because HubSpot did not know the place any more';

comment on column journals.bad_offset is 'the file after it, which could not be read so far';

-- What HubSpot was asked to write into the journal. Accounts and times; nothing of a tenant's.
create table journal_subscriptions (
  client_id text not null,
  portal_id bigint not null,
  installed_at timestamptz not null,
  due_at timestamptz not null,
  ending boolean not null default false,
  failures integer not null default 0,
  error_code text,
  primary key (client_id, portal_id)
);

comment on table journal_subscriptions is 'reference';

comment on column journal_subscriptions.portal_id is '0: what happens to the app itself, in whatever account';

comment on column journal_subscriptions.installed_at is 'as the account''s route said when it was last asked for';

comment on column journal_subscriptions.due_at is 'when it is asked for again: it may have got lost, and the account''s properties change';

comment on column journal_subscriptions.ending is 'nobody is connected to the account any more';

grant select, insert, update on journals to spoke_system;

grant select, insert, update, delete on journal_subscriptions to spoke_system;
