/** `npm run schema`: writes schema.sql from a freshly migrated database. A test compares the two. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openInMemory } from '../src/db/embedded.ts'
import { migrate } from '../src/db/migrate.ts'
import { dumpSchema } from './schema-dump.ts'

const db = await openInMemory()
try {
  await migrate(db)
  writeFileSync(join(import.meta.dirname, '../schema.sql'), await dumpSchema(db))
  console.log('schema.sql is written')
} finally {
  await db.close()
}
