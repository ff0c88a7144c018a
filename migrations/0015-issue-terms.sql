-- Full-text search, and queries by property and association. Next to issue_search rather than in it:
-- these values are long, and counting issues would read them.
create table issue_terms (
  tenant_id uuid not null,
  integration_id uuid not null,
  ticket_id text not null,
  words tsvector not null,
  terms bigint[] not null,
  primary key (tenant_id, integration_id, ticket_id)
);

comment on table issue_terms is 'distributed: tenant_id; erased in steps';

comment on column issue_terms.tenant_id is 'derived: from the issue';

comment on column issue_terms.integration_id is 'derived: from the issue';

comment on column issue_terms.ticket_id is 'derived: from the issue';

comment on column issue_terms.words is 'derived: words of ticket id, subject and content, each after a prefix of the tenant''s own';

comment on column issue_terms.terms is 'derived: a hash of the tenant with each property, each value and each association';

-- Words and terms are the tenant's own, so those of one tenant are next to each other. The list of
-- entries that are not sorted in yet is read by every search: it is kept short.
create index issue_terms_found on issue_terms using gin (words, terms) with (gin_pending_list_limit = 256);

alter table issue_terms enable row level security, force row level security;

create policy own_tenant on issue_terms to spoke_app
  using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant());

grant select, insert, update, delete on issue_terms to spoke_app;

-- Behind a policy, PostgreSQL uses an index only for operators that are known never to show a value
-- in an error message, and those of words and arrays are not. So this view, whose owner is under no
-- policy, has the tenant's condition in its own text. Its owner can do nothing else, and no login is
-- a member of it. The table is named `one`: PostgreSQL 15 prints that name before each column and later
-- versions do not, and the check of the definition leaves it out.
do $$
begin
  if not exists (select from pg_roles where rolname = 'spoke_search') then
    begin
      create role spoke_search nologin nosuperuser nobypassrls nocreatedb nocreaterole noinherit;
    exception when duplicate_object or unique_violation then
      null; -- created concurrently by another database of this server
    end;
  end if;
end $$;

create view own_issue_terms as
select one.tenant_id, one.integration_id, one.ticket_id, one.words, one.terms
from issue_terms one
where one.tenant_id = spoke_tenant();

comment on view own_issue_terms is 'the rows of issue_terms of the transaction''s tenant';

create policy search on issue_terms for select to spoke_search using (true);

grant select on issue_terms to spoke_search;

grant select on own_issue_terms to spoke_app;

-- Giving away the view takes a membership and a privilege for a moment. Since PostgreSQL 16 the
-- creator of a role is a member that cannot act as it, so the right to do that is what counts.
do $$
declare
  may_act boolean := exists (
    select from pg_auth_members m
    where m.roleid = 'spoke_search'::regrole and m.member = current_user::text::regrole
      and coalesce((to_jsonb(m) ->> 'set_option')::boolean, true));
begin
  execute format('grant usage, create on schema %I to spoke_search', current_schema());
  begin
    execute format('grant spoke_search to %I', current_user);
  exception when insufficient_privilege or internal_error then
    null; -- granted by an administrator
  end;
  alter view own_issue_terms owner to spoke_search;
  execute format('revoke create on schema %I from spoke_search', current_schema());
  if not may_act then
    execute format('revoke spoke_search from %I', current_user);
  end if;
end $$;

-- What a query needs of the definitions of properties, a small part of them.
create function spoke_property_types(definitions jsonb) returns jsonb language sql immutable strict parallel safe as $$
  select jsonb_object_agg(d ->> 'name', coalesce(d ->> 'type', '')) filter (where d ->> 'name' is not null)
  from jsonb_array_elements(case jsonb_typeof(definitions) when 'array' then definitions else '[]' end) d
$$;

alter table integration_resources
  add column property_types jsonb generated always as (spoke_property_types(content)) stored;

comment on column integration_resources.property_types is 'exported: for properties: the type of each, by name';

-- Those that are indexed already are indexed again.
alter table search_builds no force row level security;

update search_builds set ticket_id = '', finished_at = null;

alter table search_builds force row level security;
