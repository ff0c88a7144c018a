/** Ways around isolation as data: what breaks it, what undoes it, and how the catalog check must report it. */

export interface Plant {
  fault: string
  broken: string[]
  undo: string[]
  named: RegExp
}

const plant = (fault: string, broken: string, undo: string, named: RegExp): Plant => ({
  fault,
  broken: broken.split('; '),
  undo: undo.split('; '),
  named,
})

export const plants: Plant[] = [
  plant(
    'a policy is missing',
    'drop policy own_tenant on labels',
    'create policy own_tenant on labels to spoke_app using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant())',
    /labels has no policy for reading and writing/,
  ),
  plant(
    'not forced',
    'alter table labels no force row level security',
    'alter table labels force row level security',
    /labels does not FORCE/,
  ),
  plant(
    'not enabled',
    'alter table labels disable row level security',
    'alter table labels enable row level security',
    /labels has no row level security/,
  ),
  plant(
    'one more policy that lets all through',
    'create policy wide on labels for select using (true)',
    'drop policy wide on labels',
    /labels has an unexpected policy: wide/,
  ),
  plant(
    'a grant to everybody',
    'grant select on labels to public',
    'revoke select on labels from public',
    /labels has an unexpected grant: SELECT for public/,
  ),
  plant(
    'a grant of one column to everybody',
    'grant select (label) on labels to public',
    'revoke select (label) on labels from public',
    /labels\.label has an unexpected grant: SELECT for public/,
  ),
  plant(
    'a column too much for the system role',
    'grant select (data_key) on tenants to spoke_system',
    'revoke select (data_key) on tenants from spoke_system',
    /tenants\.data_key has an unexpected grant: SELECT for spoke_system/,
  ),
  plant(
    'a table without tenants opened to the tenant’s role',
    'grant select on ring_keys to spoke_app',
    'revoke select on ring_keys from spoke_app',
    /ring_keys has an unexpected grant: SELECT for spoke_app/,
  ),
  plant(
    'a grant that is missing',
    'revoke delete on ring_keys from spoke_system',
    'grant delete on ring_keys to spoke_system',
    /spoke_system lacks an expected grant: ring_keys DELETE/,
  ),
  plant(
    'a grant that may be passed on',
    'grant select on issues to spoke_app with grant option',
    'revoke grant option for select on issues from spoke_app',
    /spoke_app can grant its privilege to others: SELECT on issues/,
  ),
  ...['truncate', 'references', 'trigger'].map((privilege) =>
    plant(
      privilege,
      `grant ${privilege} on issues to spoke_app`,
      `revoke ${privilege} on issues from spoke_app`,
      new RegExp(`issues has an unexpected grant: ${privilege.toUpperCase()} for spoke_app`),
    ),
  ),
  plant(
    'a function with its owner’s rights',
    `create function peek() returns bigint language sql security definer as 'select count(*) from issues'`,
    'drop function peek()',
    /function peek(\(\))? runs with the rights of its owner/,
  ),
  plant(
    'such a function in another schema',
    `create schema side; grant usage on schema side to public; create function side.peek() returns bigint language sql security definer as 'select count(*) from issues'`,
    'drop schema side cascade',
    /function side\.peek\(\) runs with the rights of its owner and can be called by spoke_app/,
  ),
  plant(
    'a leakproof function',
    `create function peek(text) returns boolean language sql leakproof cost 0.0001 as 'select true'`,
    'drop function peek(text)',
    /function peek\(text\) is marked leakproof/,
  ),
  plant(
    'a plain view',
    'create view seen as select * from issues',
    'drop view seen',
    /view seen may show the rows of every tenant/,
  ),
  plant(
    'a materialised view',
    'create materialized view seen as select * from issues',
    'drop materialized view seen',
    /view seen may show the rows of every tenant/,
  ),
  plant(
    'a rule',
    'create rule also as on insert to issues do also select 1',
    'drop rule also on issues',
    /table issues has a rule: also/,
  ),
  plant(
    'a trigger',
    'create trigger spy after insert on issues for each row execute function suppress_redundant_updates_trigger()',
    'drop trigger spy on issues',
    /table issues has an unexpected trigger: spy/,
  ),
  plant(
    'another spoke_tenant()',
    `alter function spoke_tenant() rename to kept; create function spoke_tenant() returns uuid language sql stable as 'select null::uuid'`,
    'drop function spoke_tenant(); alter function kept() rename to spoke_tenant',
    /spoke_tenant\(\) differs from the one in the migrations/,
  ),
  plant(
    'policies that call another function of the same name',
    `create schema side; create function side.spoke_tenant() returns uuid language sql stable as 'select null::uuid'; alter policy own_tenant on labels using (tenant_id = side.spoke_tenant())`,
    'alter policy own_tenant on labels using (tenant_id = spoke_tenant()); drop schema side cascade',
    /labels has no policy for reading and writing/,
  ),
  plant(
    'a setting on spoke_tenant()',
    'alter function spoke_tenant() set work_mem to default; alter function spoke_tenant() set search_path to pg_catalog',
    'alter function spoke_tenant() reset all',
    /function spoke_tenant\(\) differs from the one in the migrations/,
  ),
  plant(
    'default privileges for everybody',
    'alter default privileges grant select on tables to public',
    'alter default privileges revoke select on tables from public',
    /default privileges of postgres grant everyone SELECT on new tables/,
  ),
  plant(
    'default privileges for a role',
    'alter default privileges grant update on tables to spoke_system',
    'alter default privileges revoke update on tables from spoke_system',
    /default privileges of postgres grant spoke_system UPDATE on new tables/,
  ),
  plant(
    'a schema that everybody may fill',
    'grant create on schema public to public',
    'revoke create on schema public from public',
    /everyone can create objects in schema public/,
  ),
  plant(
    'a schema in which a role may create objects',
    'grant create on schema public to spoke_app',
    'revoke create on schema public from spoke_app',
    /spoke_app can create objects in schema public/,
  ),
  plant(
    'a sequence granted to a role',
    'create sequence numbers; grant usage on sequence numbers to spoke_app',
    'drop sequence numbers',
    /numbers has an unexpected grant: USAGE for spoke_app/,
  ),
  plant(
    'a table of another schema granted to a role',
    'create schema side; create table side.copies as select * from issues; grant select on side.copies to spoke_app',
    'drop schema side cascade',
    /spoke_app has grants on table side\.copies/,
  ),
  plant(
    'a server-wide privilege granted to a role',
    'grant execute on function pg_read_file(text) to spoke_app',
    'revoke execute on function pg_read_file(text) from spoke_app',
    /spoke_app has grants on function pg_read_file\(text\)/,
  ),
  plant(
    'a child table without a policy',
    'create table more_labels () inherits (labels)',
    'drop table more_labels',
    /table more_labels inherits from labels and has no row level security/,
  ),
  plant(
    'a new table without row level security',
    'create table leak (tenant_id uuid)',
    'drop table leak',
    /leak has no row level security/,
  ),
  plant(
    'a key without the tenant',
    'create unique index tickets on issues (ticket_id)',
    'drop index tickets',
    /key tickets of table issues does not begin with tenant_id/,
  ),
  plant(
    'a reference without the tenant',
    'alter table tenant_integrations add constraint ids unique (integration_id); alter table labels add constraint loose foreign key (integration_id) references tenant_integrations (integration_id)',
    'alter table labels drop constraint loose; alter table tenant_integrations drop constraint ids',
    /foreign key loose of table labels can refer to another tenant/,
  ),
  plant(
    'a column of which nobody has said whether it is exported',
    'alter table labels add column note text',
    'alter table labels drop column note',
    /column labels\.note is not marked exported, secret or derived/,
  ),
  plant(
    'a comment lost in a restore',
    'comment on table ring_keys is null',
    `comment on table ring_keys is 'reference'`,
    /table ring_keys is not marked by its comment/,
  ),
]

/** Roles belong to the whole server, so these need a server of their own. */
export const rolePlants: Plant[] = [
  plant(
    'a role that is a member of another role',
    'grant spoke_system to spoke_app',
    'revoke spoke_system from spoke_app',
    /role spoke_app is a member of spoke_system/,
  ),
  plant(
    'a role that reads everything',
    'grant pg_read_all_data to spoke_app',
    'revoke pg_read_all_data from spoke_app',
    /role spoke_app is a member of pg_read_all_data/,
  ),
  plant(
    'a role that bypasses row level security',
    'alter role spoke_app bypassrls',
    'alter role spoke_app nobypassrls',
    /role spoke_app bypasses row level security/,
  ),
  plant(
    'a role that creates roles',
    'alter role spoke_system createrole',
    'alter role spoke_system nocreaterole',
    /role spoke_system can create roles/,
  ),
  plant(
    'a role that owns tables',
    'alter table labels owner to spoke_app',
    'alter table labels owner to postgres; grant select, insert, update, delete on labels to spoke_app',
    /role spoke_app owns table labels/,
  ),
  plant(
    'another owner',
    'create role stranger; alter table labels owner to stranger',
    'alter table labels owner to postgres; drop role stranger',
    /table labels is owned by stranger, not by postgres/,
  ),
  plant(
    'a tenant preset for everybody',
    `alter role all set spoke.tenant_id = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'`,
    'alter role all reset spoke.tenant_id',
    /spoke\.tenant_id is preset for everyone/,
  ),
]
