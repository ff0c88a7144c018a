/**
 * Finds which groups of rows have something due, over all tenants, with bounded work: each scan visits
 * a window of groups and says where the next one begins. A full round takes as many scans as there
 * are windows; normally one.
 */
import { type RawBuilder, sql } from 'kysely'

/** The group after which a scan begins. */
export interface ScanPosition {
  tenant_id: string
  id: string
}

const zero = '00000000-0000-0000-0000-000000000000'
export const firstPosition: ScanPosition = { tenant_id: zero, id: zero }

/** Groups per scan. Each costs one probe of the index, however many rows it has. */
const windowSize = 250

export interface ScanRequest {
  /** Groups up to here were visited. */
  after: ScanPosition
  /** How many groups that are due. */
  atMost: number
  /** Tenants whose groups are left out. */
  except: readonly string[]
}

export interface Scan<Group> {
  due: Group[]
  /** null: the round is complete. */
  next: ScanPosition | null
}

/**
 * An SQL expression whose value is a JSON Scan.
 *
 * @param options.table has the columns tenant_id and due_at, and an index on (tenant_id, id, due_at)
 * @param options.id the column that, with the tenant, names a group
 * @param options.rows condition on the rows of the table
 * @param options.joins what a group is joined with; a group is called `g`, with its earliest due_at
 * @param options.groups condition on the groups
 */
export const scanForDue = (
  {
    table,
    id,
    rows,
    joins,
    groups,
  }: {
    table: string
    id: string
    rows: RawBuilder<unknown>
    joins: RawBuilder<unknown>
    groups: RawBuilder<unknown>
  },
  { after, atMost, except }: ScanRequest,
) => sql`(
    with recursive visited as (
      (select tenant_id, ${sql.ref(id)} as id, due_at, 1 as nth from ${sql.table(table)}
        where (tenant_id, ${sql.ref(id)}) > (${after.tenant_id}::uuid, ${after.id}::uuid) and ${rows}
        order by tenant_id, ${sql.ref(id)}, due_at
        limit 1)
      union all
      select n.*, v.nth + 1 from visited v cross join lateral (
        select t.tenant_id, t.${sql.ref(id)}, t.due_at from ${sql.table(table)} t
        where (t.tenant_id, t.${sql.ref(id)}) > (v.tenant_id, v.id) and ${rows}
        order by t.tenant_id, t.${sql.ref(id)}, t.due_at
        limit 1) n
      where v.nth < ${windowSize}
    )
    select json_build_object(
      'due', (select coalesce(json_agg(d), '[]') from (
        select g.tenant_id, g.id as ${sql.ref(id)} from visited g ${joins}
        where g.due_at <= statement_timestamp() and ${groups} and g.tenant_id <> all(${[...except]}::uuid[])
          and not exists (select from tenants t where t.tenant_id = g.tenant_id and t.erasing_at is not null)
        order by g.due_at
        limit ${atMost}) d),
      'next', (select json_build_object('tenant_id', tenant_id, 'id', id) from visited where nth = ${windowSize})))`

/** How much a poll looks for. */
type Room = Pick<ScanRequest, 'atMost' | 'except'>

/**
 * Finds what is due at once, without windows.
 *
 * @param list an expression whose value is a JSON array of at most `atMost` items
 */
export function findInOneList<Item>(list: (room: Room) => RawBuilder<unknown>) {
  let asked = 0
  return {
    find(room: Room) {
      asked = room.atMost
      return list(room)
    },
    /** @param found the value of the expression */
    read(found: unknown): { items: Item[]; more: boolean } {
      const items = found as Item[]
      return { items, more: items.length >= asked }
    },
  }
}

/**
 * Scans window after window, and starts again when a round is complete.
 *
 * @param scan the expression of one scan
 */
export function scanInRounds<Group>(scan: (request: ScanRequest) => RawBuilder<unknown>) {
  let after = firstPosition
  let asked = 0
  return {
    find(room: Room) {
      asked = room.atMost
      return scan({ after, ...room })
    },
    /** @param found the value of the expression */
    read(found: unknown): { items: Group[]; more: boolean } {
      const { due, next } = found as Scan<Group>
      after = next ?? firstPosition
      return { items: due, more: next !== null || due.length >= asked }
    },
  }
}
