/** The schema of the views for readers, which depends on the schema of the tables. */
import { type RawBuilder, sql } from 'kysely'

/** `spoke_views`, unless Spoke's tables are in another schema than `public`. */
export const viewSchema = sql`(case current_schema() when 'public' then 'spoke_views' else current_schema() || '_views' end)`

/** Its oid; null: it does not exist. */
export const viewSchemaOid = sql`to_regnamespace(quote_ident(${viewSchema}))`

/** The name of relation `c` in the lists of expected.ts; null: it is in neither schema. */
export const nameOfRelation = (c: RawBuilder<unknown>) => sql`case ${c}.relnamespace
  when current_schema()::regnamespace then ${c}.relname::text
  when ${viewSchemaOid} then 'spoke_views.' || ${c}.relname end`
