/** Which records of another kind hang on ours, and as what: by batches of ids. */
import { z } from 'zod'
import { chunks } from '../lib/chunks.ts'
import type { Answer, HubSpot } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'
import { type CallOptions, recordBytes } from './objects.ts'
import { readAs } from './read-as.ts'
import { readEach } from './read-each.ts'
import { paths } from './versions.ts'

/** One way in which two records hang together. */
export interface AssociationLabel {
  /** HubSpot's: HUBSPOT_DEFINED, USER_DEFINED, INTEGRATOR_DEFINED or WORK. */
  category: string
  /** 16 is ticket to contact, 26 to the primary company, 339 to a company, 28 to a deal. */
  typeId: number
  /** null for the plain kinds. */
  label: string | null
}

export interface Association {
  id: string
  labels: AssociationLabel[]
}

export interface AssociationsRead {
  /** Of each id that HubSpot answered for, none included. An id that is missing is one it would not say now. */
  found: Map<string, Association[]>
  /** Of those: the ones that the answers do not mention. That they have none is likely and not said. */
  silent: string[]
  /** Those that an error leaves open, by id or by naming none; they are not in `found`. */
  undecided: string[]
  /** Those whose list has no end, which are not in `found`, or in which an entry cannot be read, which are there without it. */
  broken: string[]
  /** HubSpot's clock at the first answer: nothing here is older. */
  observedAt: Date
}

/** HubSpot's own limit of one batch; more is refused since 2025-02. */
export const associationLimit = 1_000

// The document says text, HubSpot's examples show numbers.
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
    labels: readEach<AssociationLabel>(associationTypes, label),
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

/** A record to ask about, and where its list goes on. */
interface Input {
  id: string
  after?: string
}

/**
 * All associations of these records to one other kind; a record with many is paged through, and an
 * answer longer than we take is asked for in halves.
 *
 * @param ids at most 1,000, none twice
 * @throws HubSpotError forbidden without the read scope of `toPath`
 */
export async function readAssociations(
  hubspot: HubSpot,
  fromPath: string,
  toPath: string,
  ids: readonly string[],
  options: CallOptions,
): Promise<AssociationsRead> {
  const { access, patience, signal, priority = 'interactive' } = options
  const endpoint = `${fromPath} ${toPath} associations`
  const found = new Map<string, Map<string, Association>>(ids.map((one) => [one, new Map()]))
  const seen = new Set<string>()
  const mentioned = new Set<string>()
  const broken = new Set<string>()
  const undecided = new Set<string>()
  const atOnce = hubspot.fit(access, endpoint, associationLimit)
  const waiting: Input[][] = chunks(
    ids.map((one) => ({ id: one })),
    atOnce,
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
      patience,
      signal,
      mostBytes: recordBytes,
    })
  for (let inputs = waiting.shift(); inputs; inputs = waiting.shift()) {
    if (inputs.length === 0) continue
    let answer: Answer
    try {
      answer = await call(inputs)
    } catch (error) {
      if (!(error instanceof HubSpotError && error.kind === 'too_large') || inputs.length === 1) throw error
      const half = Math.ceil(inputs.length / 2)
      waiting.unshift(inputs.slice(0, half), inputs.slice(half))
      continue
    }
    observedAt ??= answer.date
    const read = readAs(endpoint, batch, answer)
    const answered = readEach(read.results, result)
    for (const unsaid of unsaidOf(inputs, answered, read.errors ?? [])) {
      found.delete(unsaid)
      undecided.add(unsaid)
    }
    for (const named of namedIn(read.errors ?? [])) mentioned.add(named)
    const more: Input[] = []
    for (const { from, to: ends, paging } of answered) {
      const kept = found.get(from.id)
      if (!kept) continue
      mentioned.add(from.id)
      const legible = readEach(ends, to)
      for (const end of legible) kept.set(end.id, merged(kept.get(end.id), end))
      const after = paging?.next?.after
      const place = `${from.id} ${after}`
      // A HubSpot that sends us back to where we were would be paged through for ever.
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
    silent: [...found.keys()].filter((id) => !mentioned.has(id)),
    undecided: [...undecided],
    broken: [...broken],
    observedAt: observedAt ?? new Date(0),
  }
}

const page = z.object({ results: z.array(z.unknown()) })

/**
 * Whether one record has any association to another kind.
 *
 * @returns undefined when HubSpot does not show the record itself: it is archived or gone
 */
export async function hasAssociations(
  hubspot: HubSpot,
  fromPath: string,
  toPath: string,
  id: string,
  { access, patience, signal, priority = 'interactive' }: CallOptions,
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
      patience,
      signal,
    })
    return readAs(endpoint, page, answer).results.length > 0
  } catch (error) {
    if (error instanceof HubSpotError && error.kind === 'not_found' && !error.isPage) return undefined
    throw error
  }
}

/** Every id that errors name, of whatever kind. */
const namedIn = (errors: readonly unknown[]): string[] =>
  readEach(errors, fault).flatMap(({ context }) =>
    Object.values(context ?? {})
      .flat()
      .map(String),
  )

/**
 * The ids that this answer leaves open. A record without any may be missing, come empty, or come as an error that
 * says so; any other error is no statement about the record it names, or about any that is missing when it names none.
 */
function unsaidOf(
  inputs: readonly { id: string }[],
  answered: readonly { from: { id: string } }[],
  errors: readonly unknown[],
): string[] {
  const others = readEach(errors, fault).filter(
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

/** The same end twice, on two pages or in two entries: all its labels. In one order, so that the same reads the same. */
function merged(before: Association | undefined, now: Association): Association {
  const labels = new Map(
    [...(before?.labels ?? []), ...now.labels].map((one) => [`${one.category} ${one.typeId}`, one]),
  )
  const order = (a: AssociationLabel, b: AssociationLabel) =>
    a.typeId - b.typeId || (a.category < b.category ? -1 : 1)
  return { id: now.id, labels: [...labels.values()].toSorted(order) }
}

const byId = (a: Association, b: Association) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1)
