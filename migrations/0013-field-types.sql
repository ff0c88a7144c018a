-- What each run needs of the definitions of properties, a small part of them.
create function spoke_field_types(definitions jsonb) returns jsonb language sql immutable strict parallel safe as $$
  select jsonb_object_agg(d ->> 'name', d ->> 'fieldType') from jsonb_array_elements(definitions) d
$$;

alter table integration_resources
  add column field_types jsonb generated always as (spoke_field_types(content)) stored;

comment on column integration_resources.field_types is 'exported: for properties: the field type of each, by name';
