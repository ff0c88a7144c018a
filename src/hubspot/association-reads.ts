/**
 * Reads which records of another kind are associated with ours, and with which labels, in batches
 * of ids. Over 200 lines because deciding which ids a response leaves open is part of reading it.
 */
import { z } from 'zod'
import { chunks } from '../lib/chunks.ts'
import type { HubSpot, HubSpotResponse } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'
import { type CallOptions, recordBytes } from './objects.ts'
import { parseRecords } from './parse-records.ts'
import { parseResponse } from './parse-response.ts'
import { paths } from './versions.ts'

/** One kind of link between two records. */
export interface AssociationLabel {
  /** Defined by HubSpot: HUBSPOT_DEFINED, USER_DEFINED, INTEGRATOR_DEFINED or WORK. */
  category: string
  /** 16 is ticket to contact, 26 to the primary company, 339 to a company, 28 to a deal. */
  typeId: number
  /** null for the types without a label. */
  label: string | null
}

export interface Association {
  id: string
  labels: AssociationLabel[]
}

export interface AssociationBatch {
  /**
   * One entry per id that HubSpot answered for, even if it has no associations. A missing id could
   * not be read now.
   */
  found: Map<string, Association[]>
  /**
   * Ids in `found` that no response mentions. They probably have no associations, but HubSpot did
   * not say so.
   */
  leftOut: string[]
  /** Ids that an error leaves open, by naming them or by naming none; not in `found`. */
  undecided: string[]
  /**
   * Ids whose list never ends (not in `found`), and ids with an unreadable entry (in `found`
   * without that entry).
   */
  malformed: string[]
  /** HubSpot's clock at the first response: nothing here is older. */
  observedAt: Date
}

/** HubSpot's own limit for one batch; larger batches are refused since 2025-02. */
export const associationLimit = 1_000

// The document says text, but HubSpot's examples show numbers.
const id = z.union([z.string().min(1), z.number().int().nonnegative().transform(String)])

const label = z.object({
  category: z.string().catch(''),
  typeId: z.union([z.number().int(), z.string().regex(/^\d+$/).transform(Number)]),
  label: z
    .string()
    .nullish()
    .catch(null)
    .transform((text) => text ?? null),
})

const to = z
  .object({ toObjectId: id, associationTypes: z.array(z.unknown()).catch([]) })
  .transform(({ toObjectId, associationTypes }) => ({
    id: toObjectId,
    labels: parseRecords<AssociationLabel>(associationTypes, label),
  }))

const result = z.object({
  from: z.object({ id }),
  to: z.array(z.unknown()),
  paging: z.object({ next: z.object({ after: z.string().min(1) }).optional() }).nullish(),
})

const fault = z.object({
  category: z.string().optional(),
  subCategory: z.unknown().optional(),
  context: z.record(z.string(), z.array(z.unknown())).optional().catch(undefined),
})

const batch = z.object({ results: z.array(z.unknown()), errors: z.array(z.unknown()).nullish() })

/** A record to query, and the cursor at which its list resumes. */
interface Input {
  id: string
  after?: string
}

/**
 * Reads all associations of these records to one other kind. Pages through a record that has many,
 * and splits a batch in half when its response is too large.
 *
 * @param ids at most 1,000, without duplicates
 * @throws HubSpotError forbidden without the read scope of `toPath`
 */
export async function readAssociations(
  hubspot: HubSpot,
  fromPath: string,
  toPath: string,
  ids: readonly string[],
  options: CallOptions,
): Promise<AssociationBatch> {
  const { access, retryLimits, signal, priority = 'interactive' } = options
  const endpoint = `${fromPath} ${toPath} associations`
  const found = new Map<string, Map<string, Association>>(ids.map((one) => [one, new Map()]))
  const seen = new Set<string>()
  const mentioned = new Set<string>()
  const broken = new Set<string>()
  const undecided = new Set<string>()
  const batchSize = hubspot.batchSizeFor(access, endpoint, associationLimit)
  const waiting: Input[][] = chunks(
    ids.map((one) => ({ id: one })),
    batchSize,
  )
  let observedAt: Date | undefined
  const call = (inputs: readonly Input[]) =>
    hubspot.call({
      endpoint,
      method: 'POST',
      path: paths.associations(fromPath, toPath),
      json: { inputs },
      records: inputs.length,
      token: access.token,
      budget: { key: access, bucket: 'associations', priority },
      retryLimits,
      signal,
      maxBytes: recordBytes,
    })
  for (let inputs = waiting.shift(); inputs; inputs = waiting.shift()) {
    if (inputs.length === 0) continue
    let answer: HubSpotResponse
    try {
      answer = await call(inputs)
    } catch (error) {
      if (!(error instanceof HubSpotError && error.kind === 'too_large') || inputs.length === 1) throw error
      const half = Math.ceil(inputs.length / 2)
      waiting.unshift(inputs.slice(0, half), inputs.slice(half))
      continue
    }
    observedAt ??= answer.date
    const read = parseResponse(endpoint, batch, answer)
    const answered = parseRecords(read.results, result)
    for (const unanswered of unansweredIds(inputs, answered, read.errors ?? [])) {
      found.delete(unanswered)
      undecided.add(unanswered)
    }
    for (const named of namedIn(read.errors ?? [])) mentioned.add(named)
    const more: Input[] = []
    for (const { from, to: ends, paging } of answered) {
      const known = found.get(from.id)
      if (!known) continue
      mentioned.add(from.id)
      const legible = parseRecords(ends, to)
      for (const end of legible) known.set(end.id, merged(known.get(end.id), end))
      const after = paging?.next?.after
      const place = `${from.id} ${after}`
      // A cursor that was already used would page for ever, so its record counts as broken.
      if (legible.length < ends.length) broken.add(from.id)
      if (after !== undefined && seen.has(place)) {
        broken.add(from.id)
        found.delete(from.id)
      } else if (after !== undefined) {
        seen.add(place)
        more.push({ id: from.id, after })
      }
    }
    waiting.push(more)
  }
  return {
    found: new Map([...found].map(([from, ends]) => [from, [...ends.values()].toSorted(byId)])),
    leftOut: [...found.keys()].filter((id) => !mentioned.has(id)),
    undecided: [...undecided],
    malformed: [...broken],
    observedAt: observedAt ?? new Date(0),
  }
}

const page = z.object({ results: z.array(z.unknown()) })

/**
 * Whether one record has any association to another kind.
 *
 * @returns undefined when HubSpot does not show the record itself: it is archived or gone
 */
export async function readHasAssociations(
  hubspot: HubSpot,
  fromPath: string,
  toPath: string,
  id: string,
  { access, retryLimits, signal, priority = 'interactive' }: CallOptions,
): Promise<boolean | undefined> {
  const endpoint = `${fromPath} ${toPath} associations of one`
  try {
    const answer = await hubspot.call({
      endpoint,
      method: 'GET',
      path: paths.associationsOf(fromPath, id, toPath),
      query: { limit: '1' },
      token: access.token,
      budget: { key: access, bucket: 'associations', priority },
      retryLimits,
      signal,
    })
    return parseResponse(endpoint, page, answer).results.length > 0
  } catch (error) {
    if (error instanceof HubSpotError && error.kind === 'not_found' && !error.isPage) return undefined
    throw error
  }
}

/** Every id that the errors name, of any kind. */
const namedIn = (errors: readonly unknown[]): string[] =>
  parseRecords(errors, fault).flatMap(({ context }) =>
    Object.values(context ?? {})
      .flat()
      .map(String),
  )

/**
 * The ids that this response leaves open. A record without associations may be missing, be empty,
 * or have an error that says so. Any other error leaves open the records that it names; if it names
 * none of the missing ones, all missing records are open.
 */
function unansweredIds(
  inputs: readonly { id: string }[],
  answered: readonly { from: { id: string } }[],
  errors: readonly unknown[],
): string[] {
  const others = parseRecords(errors, fault).filter(
    ({ category, subCategory }) =>
      category !== 'OBJECT_NOT_FOUND' && !String(subCategory ?? '').includes('NO_ASSOCIATIONS_FOUND'),
  )
  if (others.length === 0) return []
  const there = new Set(answered.map(({ from }) => from.id))
  const missing = inputs.map((input) => input.id).filter((one) => !there.has(one))
  const named = new Set<string>()
  for (const { context } of others) {
    const texts = Object.values(context ?? {})
      .flat()
      .map(String)
    const here = missing.filter((one) => texts.includes(one))
    if (here.length === 0) return missing
    for (const one of here) named.add(one)
  }
  return [...named]
}

/**
 * Combines the labels when the same record appears twice, on two pages or in two entries. The order
 * is fixed, so that equal reads compare equal.
 */
function merged(before: Association | undefined, now: Association): Association {
  const labels = new Map(
    [...(before?.labels ?? []), ...now.labels].map((one) => [`${one.category} ${one.typeId}`, one]),
  )
  const order = (a: AssociationLabel, b: AssociationLabel) =>
    a.typeId - b.typeId || (a.category < b.category ? -1 : 1)
  return { id: now.id, labels: [...labels.values()].toSorted(order) }
}

const byId = (a: Association, b: Association) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1)
