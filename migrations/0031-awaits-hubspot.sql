-- Who waits for HubSpot to come back, so that the first answer after an outage resumes it before its backoff is over.
alter table sync_streams
  add column awaits_hubspot boolean not null default false,
  add column is_probe boolean not null default false;

comment on column sync_streams.awaits_hubspot is 'its run waits because HubSpot could not be reached, and HubSpot named no time';

comment on column sync_streams.is_probe is 'the run was resumed before its time, to see whether HubSpot is back';

alter table feeds add column awaits_hubspot boolean not null default false;

comment on column feeds.awaits_hubspot is 'the inbox waits because HubSpot could not be reached, and HubSpot named no time';

create index sync_streams_awaiting on sync_streams (tenant_id, integration_id, not_before) where awaits_hubspot;

create index feeds_awaiting on feeds (tenant_id, integration_id, not_before) where awaits_hubspot;

grant select (awaits_hubspot) on sync_streams, feeds to spoke_system;
