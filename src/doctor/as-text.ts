/**
 * The doctor's statements on tables that it knows by the catalogue alone: text, of names from there and of ids that it made itself,
 * never of anybody's input.
 */
import { type RawBuilder, sql } from 'kysely'

export const asText = <Row>(statement: string): RawBuilder<Row> => sql.raw<Row>(statement)
