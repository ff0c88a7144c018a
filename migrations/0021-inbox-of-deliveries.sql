-- One row of the inbox for what a delivery says of one kind of change, and no longer one for each ticket: twenty thousand changes
-- a second are a few hundred rows.
alter table inbox alter column ticket_id type text[] using array[ticket_id];

alter table inbox rename column ticket_id to ticket_ids;

alter table inbox add constraint tells_of_some check (cardinality(ticket_ids) > 0);

-- What is set aside stands at the end of the primary key, which finds the first that is due as well.
drop index inbox_due;
