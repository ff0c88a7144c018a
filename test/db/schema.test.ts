/** The schema in review: schema.sql is what the migrations make, and everything about a tenant is marked. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { dumpSchema } from '../../scripts/schema-dump.ts'
import type { Database } from '../../src/db/database.ts'
import { catalogueMarkFaults } from '../../src/doctor/catalogue-marks.ts'
import { bothEngines } from '../support/engines.ts'

const committed = readFileSync(join(import.meta.dirname, '../../schema.sql'), 'utf8')

/** Each changes the schema; the dump must show it. */
const changes: [what: string, statement: string, shown: string][] = [
  ['a column', 'alter table labels add column note text', '    note text,\n'],
  ['a comment', `comment on column labels.label is 'secret'`, '    label text, -- secret\n'],
  ['a default', `alter table labels alter column label set default 'x'`, `label text DEFAULT 'x'::text,`],
  [
    'a type',
    'alter table record_problems alter column reason type varchar(9)',
    'reason character varying(9) NOT NULL,',
  ],
  ['not null', 'alter table labels alter column label set not null', 'label text NOT NULL,'],
  [
    'a check',
    `alter table labels add constraint short check (length(label) < 9)`,
    'CONSTRAINT short CHECK (length(label) < 9)',
  ],
  [
    'an index',
    'create index labels_email on labels (tenant_id, email) where archived',
    'CREATE INDEX labels_email ON labels USING btree (tenant_id, email) WHERE archived;',
  ],
  [
    'no FORCE',
    'alter table labels no force row level security',
    'ALTER TABLE labels ENABLE ROW LEVEL SECURITY;',
  ],
  [
    'a policy',
    'create policy wide on labels as restrictive for select using (true)',
    'CREATE POLICY wide ON labels AS RESTRICTIVE FOR SELECT TO PUBLIC\n    USING (true);',
  ],
  [
    'a grant',
    'grant truncate, update (label, id) on labels to spoke_system',
    'GRANT UPDATE (id, label), TRUNCATE ON labels TO spoke_system;',
  ],
  [
    'a grant that may be passed on',
    'grant select on labels to public; grant select on labels to spoke_eraser with grant option',
    'GRANT SELECT ON labels TO spoke_eraser WITH GRANT OPTION;',
  ],
  ['a setting of a table', 'alter table labels set (fillfactor = 50)', ') WITH (fillfactor=50);'],
  [
    'a trigger',
    'create trigger spy after insert on labels for each row execute function suppress_redundant_updates_trigger()',
    'CREATE TRIGGER spy AFTER INSERT ON labels FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();',
  ],
  [
    'a function with its owner’s rights',
    `create function peek() returns bigint language sql security definer as 'select 1'; revoke execute on function peek() from public`,
    ' SECURITY DEFINER\nAS $function$select 1$function$;\nREVOKE ALL ON FUNCTION peek() FROM PUBLIC;',
  ],
  [
    'a setting of a function',
    'alter function spoke_begin_tenant() reset search_path',
    'FUNCTION public.spoke_begin_tenant()\n RETURNS void\n LANGUAGE plpgsql\nAS ',
  ],
  ['a view', 'create view seen as select * from labels', 'CREATE VIEW seen (\n    tenant_id,\n'],
  ['a type of ours', `create type mood as enum ('good')`, '-- type mood\n'],
  [
    'a right to create',
    'grant create on schema public to spoke_app',
    'GRANT CREATE, USAGE ON SCHEMA public TO spoke_app;',
  ],
]

for (const engine of bothEngines) {
  describe(`the schema on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    before(async () => {
      ;({ db, close } = await engine.open())
    })
    after(() => close())

    test('is that of schema.sql; `npm run schema` writes it', async () => {
      assert.equal(await dumpSchema(db), committed)
    })

    test('each column of a tenant’s table is marked exported, secret or derived, and each table by its kind and when it is erased', async () => {
      assert.deepEqual(await catalogueMarkFaults(db), [])
    })

    for (const [what, statement, shown] of changes) {
      test(`a change shows: ${what}`, async () => {
        const undo = new Error('undo')
        let dump = ''
        await db.kysely
          .transaction()
          .execute(async (kysely) => {
            for (const one of statement.split('; ')) await sql.raw(one).execute(kysely)
            dump = await dumpSchema({ ...db, kysely } as unknown as Database)
            throw undo
          })
          .catch((error: unknown) => assert.equal(error, undo))
        const added = dump.split('\n').filter((line) => !committed.includes(`${line}\n`))
        assert.ok(dump.includes(shown) && !committed.includes(shown), added.join('\n'))
      })
    }
  })
}
