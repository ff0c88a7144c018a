/**
 * Raw SQL for tables that the doctor knows only from the catalogue. The text contains only names
 * from the catalogue and ids that the doctor generated, never input.
 */
import { type RawBuilder, sql } from 'kysely'

export const asText = <Row>(statement: string): RawBuilder<Row> => sql.raw<Row>(statement)
