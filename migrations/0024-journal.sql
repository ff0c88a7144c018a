-- HubSpot's webhooks journal: how far it has been read, and the accounts to subscribe.

-- Only accounts with our own app are reported, and each new connection must be subscribed again.
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

-- One row, because HubSpot has one journal per app. Another app's journal is read from its start.
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

comment on column journals.position is 'HubSpot''s offset of the last file that was saved; null: start at the earliest file';

comment on column journals.read_at is 'when HubSpot last returned a file, or reported that there is no newer one';

comment on column journals.restarted_at is 'when reading last restarted at the earliest file, because HubSpot no longer knew the position';

comment on column journals.bad_offset is 'the next file, if it could not be read so far';

-- The accounts subscribed to the journal. Accounts and times; no tenant data.
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

comment on column journal_subscriptions.portal_id is '0: events of the app itself, in any account';

comment on column journal_subscriptions.installed_at is 'installed_at of the account''s route when the subscription was last requested';

comment on column journal_subscriptions.due_at is 'when it is requested again, because it may be lost and the account''s properties change';

comment on column journal_subscriptions.ending is 'no integration is connected to the account any more';

grant select, insert, update on journals to spoke_system;

grant select, insert, update, delete on journal_subscriptions to spoke_system;
