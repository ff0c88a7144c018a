/** Moves time forward for a stopped Spoke: the times that its rows wait for move closer. */
import pg from 'pg'

/** The columns with the time until which a row waits, in all tables of the schema. */
const waits = ['not_before', 'waiting_until', 'due_at', 'closed_until', 'probe_at', 'lease_until']

/** @param databaseUrl of its superuser, whom row level security does not bind */
export async function bringNearer(databaseUrl: string, hours: number): Promise<void> {
  const db = new pg.Client({ connectionString: databaseUrl })
  await db.connect()
  try {
    const { rows } = await db.query(
      `select table_name as "table", column_name as "column" from information_schema.columns
       where table_schema = 'public' and data_type = 'timestamp with time zone' and is_generated = 'NEVER'
         and column_name = any($1)`,
      [waits],
    )
    for (const { table, column } of rows) {
      const name = pg.escapeIdentifier(column)
      await db.query(
        `update ${pg.escapeIdentifier(table)} set ${name} = ${name} - make_interval(hours => $1)
         where ${name} > now()`,
        [hours],
      )
    }
  } finally {
    await db.end()
  }
}
