-- SQL for readers: views of one tenant's data, and the logins that may read them.

-- spoke_views owns the views, and its policies show it the rows of the login's tenant alone.
-- spoke_reader is the group of the logins. spoke_guard is a member of each login, and so may end its
-- sessions. The one thing that says which tenant a session reads is its session_user, which no
-- statement of a login can change; a setting such as spoke.tenant_id can be set by any login.
do $$
declare role_name text;
begin
  foreach role_name in array array['spoke_views', 'spoke_reader', 'spoke_guard'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      begin
        execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole inherit', role_name);
      exception when duplicate_object or unique_violation then
        null; -- created concurrently by another database of this server
      end;
    end if;
    begin
      -- Since PostgreSQL 16, creating a role does not allow SET ROLE to it.
      execute format('grant %I to %I', role_name, current_user);
    exception when insufficient_privilege or internal_error then
      null; -- granted earlier by an administrator
    end;
  end loop;
  execute format('grant usage on schema %I to spoke_views', current_schema());
end $$;

-- Which tenant a login reads. The password is PostgreSQL's alone.
create table sql_logins (
  login text primary key check (login ~ '^spoke_sql_[0-9a-f]{16}$'),
  tenant_id uuid not null,
  name text,
  statement_seconds integer not null check (statement_seconds between 1 and 3600),
  connections integer not null check (connections between 1 and 100),
  created_at timestamptz not null default now()
);

comment on table sql_logins is 'reference; erased at once';

comment on column sql_logins.login is 'exported: the name of the database role; random, because every login can read the names of all';

comment on column sql_logins.tenant_id is 'exported';

comment on column sql_logins.name is 'exported: what the login is for, in the operator''s words';

comment on column sql_logins.statement_seconds is 'exported: how long a statement may run';

comment on column sql_logins.connections is 'exported: how many sessions may be open at once';

comment on column sql_logins.created_at is 'exported';

create index sql_logins_of_tenant on sql_logins (tenant_id, login);

alter table sql_logins enable row level security, force row level security;

create policy own_tenant on sql_logins to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, delete on sql_logins to spoke_app;

-- The operator lists and revokes logins by name.
create policy list_logins on sql_logins for select to spoke_system using (true);

grant select on sql_logins to spoke_system;

create policy own_login on sql_logins for select to spoke_reader using (login = session_user);

grant select (login, tenant_id) on sql_logins to spoke_reader;

create policy list_limits on sql_logins for select to spoke_guard using (true);

grant select (login, statement_seconds) on sql_logins to spoke_guard;

-- The tenant of this session's login. It runs with the rights of the caller, and the names in it
-- are resolved now. A login that was revoked, or whose tenant is being erased, raises an error.
create function spoke_login_tenant() returns uuid language sql stable
  return coalesce((select one.tenant_id from sql_logins one where one.login = session_user), spoke_no_tenant());

-- What the owner of the views may read: never a token, a key or a cursor.
grant select (tenant_id, integration_id, integration_type, status, status_reason, hub_id, hub_domain, scopes, total_count,
  total_count_at, last_sync_at, connected_at, created_at, updated_at) on tenant_integrations to spoke_views;

grant select (tenant_id, integration_id, finished_at) on search_builds to spoke_views;

grant select on issue_search to spoke_views;

grant select (tenant_id, integration_id, ticket_id, subject, content, url, properties) on issues to spoke_views;

grant select (tenant_id, integration_id, ticket_id, associations) on issue_associations to spoke_views;

grant select (tenant_id, integration_id, loser_id, survivor_id) on issue_merges to spoke_views;

grant select on labels to spoke_views;

grant select (tenant_id, sync_event_id, integration_id, kind, sync_type, trigger, state, total, done, inserted, changed,
  unchanged, archived, repaired, failed, pages, repeat_count, repeats_since, waiting_for, waiting_until, error_code,
  error, requested_at, started_at, finished_at) on sync_events to spoke_views;

grant select (tenant_id, seq, change_id, type, at, integration_id, issue_id, ticket_id, detail) on changes to spoke_views;

create policy read_login_tenant on tenant_integrations for select to spoke_views using (tenant_id = spoke_login_tenant());

create policy read_login_tenant on search_builds for select to spoke_views using (tenant_id = spoke_login_tenant());

create policy read_login_tenant on issue_search for select to spoke_views using (tenant_id = spoke_login_tenant());

create policy read_login_tenant on issues for select to spoke_views using (tenant_id = spoke_login_tenant());

create policy read_login_tenant on issue_associations for select to spoke_views using (tenant_id = spoke_login_tenant());

create policy read_login_tenant on issue_merges for select to spoke_views using (tenant_id = spoke_login_tenant());

create policy read_login_tenant on labels for select to spoke_views using (tenant_id = spoke_login_tenant());

create policy read_login_tenant on sync_events for select to spoke_views using (tenant_id = spoke_login_tenant());

create policy read_login_tenant on changes for select to spoke_views using (tenant_id = spoke_login_tenant());

-- The views. The policies above isolate tenants; each view names the tenant once more, in a form that
-- is evaluated once for a statement. They are not security_barrier, because the planner could then
-- not read rows in the order of an index; under row level security it runs no function of a reader on
-- a row before the policy has passed it. Texts are shown as expressions, since the planner's estimates
-- for a bare column come from samples of every tenant's values, and a reader sees them in EXPLAIN.
-- What has an index stays bare. A view of one table names it `one`: PostgreSQL 15 prints that name
-- before each column and later versions do not, and the check of the definitions leaves it out.
create view sql_integrations as
select t.tenant_id, t.integration_id, t.integration_type, t.status, t.status_reason || '' as status_reason, t.hub_id,
  t.hub_domain || '' as hub_domain, t.scopes || array[]::text[] as scopes, t.total_count, t.total_count_at, t.last_sync_at,
  b.finished_at as issues_complete_at, t.connected_at, t.created_at, t.updated_at
from tenant_integrations t
left join search_builds b on b.tenant_id = t.tenant_id and b.integration_id = t.integration_id
where t.tenant_id = (select spoke_login_tenant());

comment on view sql_integrations is 'the tenant''s links to HubSpot accounts';

comment on column sql_integrations.tenant_id is 'the tenant of this login';

comment on column sql_integrations.integration_id is 'the integration';

comment on column sql_integrations.integration_type is 'hubspot';

comment on column sql_integrations.status is 'pending, active, degraded, reauth_required or disconnected';

comment on column sql_integrations.status_reason is 'why the status is not active; null: no reason is known';

comment on column sql_integrations.hub_id is 'the HubSpot account; null: not connected yet';

comment on column sql_integrations.hub_domain is 'the domain of the account; null: HubSpot does not report it';

comment on column sql_integrations.scopes is 'the scopes that HubSpot granted; null: HubSpot does not report them';

comment on column sql_integrations.total_count is 'HubSpot''s own count of tickets, at total_count_at';

comment on column sql_integrations.total_count_at is 'when HubSpot returned total_count';

comment on column sql_integrations.last_sync_at is 'when a sync last ended well';

comment on column sql_integrations.issues_complete_at is 'since when view issues has every issue of this integration; null: its first load or its index is not complete yet';

comment on column sql_integrations.connected_at is 'when it was last connected';

comment on column sql_integrations.created_at is 'when the integration was created';

comment on column sql_integrations.updated_at is 'when this row last changed';

create view sql_issues as
select s.tenant_id, s.integration_id, s.ticket_id, s.issue_id, i.subject || '' as subject, i.content || '' as content,
  s.pipeline_id, p.label || '' as pipeline_name, s.stage_id, g.label || '' as stage_name, g.closed as stage_closed,
  s.priority, s.category, s.owner_id, o.label || '' as owner_name, o.email || '' as owner_email, s.created_at,
  s.modified_at, s.archived, s.archived_at, s.deleted_at, m.survivor_id as merged_into, i.url || '' as url, i.properties,
  a.associations, s.synced_at
from issue_search s
left join issues i
  on i.tenant_id = s.tenant_id and i.integration_id = s.integration_id and i.ticket_id = s.ticket_id
left join labels p
  on p.tenant_id = s.tenant_id and p.integration_id = s.integration_id and p.topic = 'pipeline' and p.parent = ''
    and p.id = s.pipeline_id
left join labels g
  on g.tenant_id = s.tenant_id and g.integration_id = s.integration_id and g.topic = 'stage' and g.parent = s.pipeline_id
    and g.id = s.stage_id
left join labels o
  on o.tenant_id = s.tenant_id and o.integration_id = s.integration_id and o.topic = 'owner' and o.parent = ''
    and o.id = s.owner_id
left join issue_merges m
  on m.tenant_id = s.tenant_id and m.integration_id = s.integration_id and m.loser_id = s.ticket_id
left join issue_associations a
  on a.tenant_id = s.tenant_id and a.integration_id = s.integration_id and a.ticket_id = s.ticket_id
where s.tenant_id = (select spoke_login_tenant());

comment on view sql_issues is 'Spoke''s copy of the tickets, with tombstones';

comment on column sql_issues.tenant_id is 'the tenant of this login';

comment on column sql_issues.integration_id is 'the integration that the ticket came from';

comment on column sql_issues.ticket_id is 'HubSpot''s id of the ticket; unique within an integration';

comment on column sql_issues.issue_id is 'Spoke''s id; unique';

comment on column sql_issues.subject is 'property subject; null: empty';

comment on column sql_issues.content is 'property content; null: empty';

comment on column sql_issues.pipeline_id is 'property hs_pipeline';

comment on column sql_issues.pipeline_name is 'the pipeline''s name now; null: unknown';

comment on column sql_issues.stage_id is 'property hs_pipeline_stage';

comment on column sql_issues.stage_name is 'the stage''s name now; null: unknown';

comment on column sql_issues.stage_closed is 'whether tickets in this stage count as closed; null: unknown';

comment on column sql_issues.priority is 'property hs_ticket_priority';

comment on column sql_issues.category is 'property hs_ticket_category';

comment on column sql_issues.owner_id is 'property hubspot_owner_id';

comment on column sql_issues.owner_name is 'first and last name, or the email address if there is no name; null: unknown';

comment on column sql_issues.owner_email is 'the owner''s email address; null: unknown';

comment on column sql_issues.created_at is 'when the ticket was created in HubSpot; 1970-01-01 00:00 UTC: unknown';

comment on column sql_issues.modified_at is 'when the ticket last changed in HubSpot; 1970-01-01 00:00 UTC: unknown';

comment on column sql_issues.archived is 'true for a tombstone: the ticket was archived, merged or deleted in HubSpot';

comment on column sql_issues.archived_at is 'when it was archived, by HubSpot''s clock; null: it is live, or HubSpot gave no time';

comment on column sql_issues.deleted_at is 'when Spoke found that HubSpot no longer has the ticket; null: it has';

comment on column sql_issues.merged_into is 'HubSpot''s id of the ticket that this one was merged into; null: none';

comment on column sql_issues.url is 'the ticket''s page in HubSpot; null: unknown';

comment on column sql_issues.properties is 'every property that Spoke reads, by its HubSpot name; values are texts or null';

comment on column sql_issues.associations is 'by kind (contacts, companies, deals) a list of ids with labels; a kind that is null may not be read; null: never read';

comment on column sql_issues.synced_at is 'when this row''s content last changed in Spoke';

create view sql_labels as
select one.tenant_id, one.integration_id, one.topic, nullif(one.parent, '') as pipeline_id, one.id, one.label || '' as label,
  one.email || '' as email, one.closed, one.archived
from labels one
where one.tenant_id = (select spoke_login_tenant());

comment on view sql_labels is 'the account''s names of pipelines, stages and owners';

comment on column sql_labels.tenant_id is 'the tenant of this login';

comment on column sql_labels.integration_id is 'the integration that the name came from';

comment on column sql_labels.topic is 'pipeline, stage or owner';

comment on column sql_labels.pipeline_id is 'for a stage: its pipeline, because two pipelines may use the same stage id; otherwise null';

comment on column sql_labels.id is 'HubSpot''s id, as in issues';

comment on column sql_labels.label is 'the name; null: HubSpot has none';

comment on column sql_labels.email is 'for an owner: the email address';

comment on column sql_labels.closed is 'for a stage: whether tickets in it count as closed';

comment on column sql_labels.archived is 'HubSpot reports it as archived, or no longer lists it';

create view sql_sync_events as
select one.tenant_id, one.sync_event_id, one.integration_id, one.kind, one.sync_type, one.trigger, one.state, one.total,
  one.done, one.inserted, one.changed, one.unchanged, one.archived, one.repaired, one.failed, one.pages, one.repeat_count,
  one.repeats_since, one.waiting_for, one.waiting_until, one.error_code, one.error || '' as error, one.requested_at,
  one.started_at, one.finished_at
from sync_events one
where one.tenant_id = (select spoke_login_tenant());

comment on view sql_sync_events is 'the runs of the tenant''s syncs';

comment on column sql_sync_events.tenant_id is 'the tenant of this login';

comment on column sql_sync_events.sync_event_id is 'the run; ids sort by time';

comment on column sql_sync_events.integration_id is 'the integration that was synced';

comment on column sql_sync_events.kind is 'the kind of record: tickets';

comment on column sql_sync_events.sync_type is 'full or incremental';

comment on column sql_sync_events.trigger is 'what started it: api, connect or schedule';

comment on column sql_sync_events.state is 'queued, running, waiting, succeeded, partial, failed or cancelled';

comment on column sql_sync_events.total is 'how many records HubSpot counted before the run began; null: it did not say';

comment on column sql_sync_events.done is 'how many records were read';

comment on column sql_sync_events.inserted is 'how many were new';

comment on column sql_sync_events.changed is 'how many had changed';

comment on column sql_sync_events.unchanged is 'how many had not changed';

comment on column sql_sync_events.archived is 'how many issues became tombstones';

comment on column sql_sync_events.repaired is 'how many were saved, but not verbatim';

comment on column sql_sync_events.failed is 'how many could not be saved';

comment on column sql_sync_events.pages is 'how many pages were read from HubSpot';

comment on column sql_sync_events.repeat_count is 'how many scheduled runs directly before this one found nothing either; this row stands for them';

comment on column sql_sync_events.repeats_since is 'when the first of them started';

comment on column sql_sync_events.waiting_for is 'why a waiting run waits: an error code';

comment on column sql_sync_events.waiting_until is 'when a waiting run resumes';

comment on column sql_sync_events.error_code is 'why the run failed; null: it did not';

comment on column sql_sync_events.error is 'the same in words';

comment on column sql_sync_events.requested_at is 'when the run was requested';

comment on column sql_sync_events.started_at is 'when it started';

comment on column sql_sync_events.finished_at is 'when it ended; null: it has not';

create view sql_changes as
select one.tenant_id, one.seq, one.change_id, one.type, one.at, one.integration_id, one.issue_id, one.ticket_id, one.detail
from changes one
where one.tenant_id = (select spoke_login_tenant());

comment on view sql_changes is 'the tenant''s change feed, as long as it is retained';

comment on column sql_changes.tenant_id is 'the tenant of this login';

comment on column sql_changes.seq is 'the number of the change; later commits have higher numbers';

comment on column sql_changes.change_id is 'unique; unlike seq never reused, not even after a restore from a backup';

comment on column sql_changes.type is 'such as issue.created, issue.updated or sync.completed';

comment on column sql_changes.at is 'when Spoke recorded it';

comment on column sql_changes.integration_id is 'the integration concerned; null: none';

comment on column sql_changes.issue_id is 'the issue concerned; null: none';

comment on column sql_changes.ticket_id is 'HubSpot''s id of the ticket; null: none';

comment on column sql_changes.detail is 'for an issue: old and new values; for an integration: the reason; for a run: its counts';

-- A schema of their own: readers see nothing else, and no name meets one of the operator's.
do $$
declare
  views text := case current_schema() when 'public' then 'spoke_views' else current_schema() || '_views' end;
  view_name text;
begin
  if to_regnamespace(quote_ident(views)) is null then
    execute format('create schema %I', views);
  end if;
  execute format('grant usage on schema %I to spoke_reader', views);
  execute format('grant usage, create on schema %I to spoke_views', views);
  foreach view_name in array array['integrations', 'issues', 'labels', 'sync_events', 'changes'] loop
    execute format('alter view %I set schema %I', 'sql_' || view_name, views);
    execute format('alter view %I.%I rename to %I', views, 'sql_' || view_name, view_name);
    execute format('grant select on %I.%I to spoke_reader', views, view_name);
    execute format('alter view %I.%I owner to spoke_views', views, view_name);
  end loop;
  execute format('revoke create on schema %I from spoke_views', views);
end $$;
