-- Streams and inboxes waiting for HubSpot to recover, so that the first response after an outage
-- resumes them before their backoff ends.
alter table sync_streams
  add column awaits_hubspot boolean not null default false,
  add column is_probe boolean not null default false;

comment on column sync_streams.awaits_hubspot is 'the run waits because HubSpot could not be reached and gave no time to retry';

comment on column sync_streams.is_probe is 'the run was resumed early, to check whether HubSpot is available again';

alter table feeds add column awaits_hubspot boolean not null default false;

comment on column feeds.awaits_hubspot is 'the inbox waits because HubSpot could not be reached and gave no time to retry';

create index sync_streams_awaiting on sync_streams (tenant_id, integration_id, not_before) where awaits_hubspot;

create index feeds_awaiting on feeds (tenant_id, integration_id, not_before) where awaits_hubspot;

grant select (awaits_hubspot) on sync_streams, feeds to spoke_system;
