-- One inbox row per delivery and kind of change, instead of one per ticket: twenty thousand changes
-- a second become a few hundred rows.
alter table inbox alter column ticket_id type text[] using array[ticket_id];

alter table inbox rename column ticket_id to ticket_ids;

alter table inbox add constraint tells_of_some check (cardinality(ticket_ids) > 0);

-- Dead-lettered events are at the end of the primary key, which also finds the first due row.
drop index inbox_due;
