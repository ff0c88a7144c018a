// The owners and ticket pipelines of a portal, generated from its seed or given by whoever made the portal.
import { hash } from '../random.ts'
import { personName } from './sentences.ts'

export type Owner = {
  id: string
  email: string | null
  type: 'PERSON' | 'QUEUE'
  firstName: string | null
  lastName: string | null
  user_id: number
  archived: boolean
  createdAt: number
  updatedAt: number
  teams: { id: string; name: string; primary: boolean }[]
}

type Dated = { createdAt: number; updatedAt: number; archivedAt: number | null }
export type Stage = Dated & { id: string; label: string; closed: boolean }
export type Pipeline = Dated & { id: string; label: string; stages: Stage[] }

export type NewPipeline = {
  id?: string
  label?: string | undefined
  archived?: boolean
  stages?: { id?: string; label: string; closed?: boolean | undefined; archived?: boolean }[] | undefined
}

// Deactivated users stay owners, and tickets may still point at them: so many at the end, or every sixth.
export function makeOwners(
  count: number,
  archived: number | undefined,
  seed: number,
  portalId: number,
  now: number,
): Owner[] {
  return Array.from({ length: count + (archived ?? 0) }, (_, i) => {
    const [firstName = '', lastName = ''] = personName(seed ^ portalId, i * 3 + 1).split(' ')
    const born = now - (400 + (hash(seed, portalId, i) % 600)) * 86_400_000
    return {
      id: String(41_000_000 + (portalId % 9973) * 1000 + i * 7 + 1),
      email: `${firstName}.${lastName}.${i}@example-${portalId}.com`.toLowerCase(),
      type: 'PERSON' as const,
      firstName,
      lastName,
      user_id: 9_000_000 + (portalId % 9973) * 100 + i,
      archived: archived === undefined ? i % 6 === 5 : i >= count,
      createdAt: born,
      updatedAt: born + 86_400_000,
      teams: i % 2 === 0 ? [{ id: String(368_000 + (portalId % 997)), name: 'Support', primary: true }] : [],
    }
  })
}

// Pipeline "0" with stages 1 to 4 exists in every account; HubSpot dates what it made itself to 1970.
function supportPipeline(): Pipeline {
  const stage = (id: string, label: string, closed = false): Stage => ({
    id,
    label,
    closed,
    createdAt: 0,
    updatedAt: 0,
    archivedAt: null,
  })
  return {
    id: '0',
    label: 'Support Pipeline',
    createdAt: 0,
    updatedAt: 0,
    archivedAt: null,
    stages: [
      stage('1', 'New'),
      stage('2', 'Waiting on contact'),
      stage('3', 'Waiting on us'),
      stage('4', 'Closed', true),
    ],
  }
}

const EXTRA: NewPipeline[] = [
  {
    label: 'Onboarding',
    stages: [{ label: 'Kick-off' }, { label: 'Data migration' }, { label: 'Live', closed: true }],
  },
  // Made through the API with ids of its maker's: words.
  {
    id: 'returns_pipeline',
    label: 'Returns',
    stages: [
      { id: 'returns_requested', label: 'Requested' },
      { id: 'in-transit', label: 'In transit' },
      { id: 'refunded', label: 'Refunded', closed: true },
    ],
  },
  {
    label: 'Escalations',
    stages: [{ label: 'Open' }, { label: 'With engineering' }, { label: 'Solved', closed: true }],
  },
]

// After the last comes the first again, with ids that HubSpot chooses.
function extra(place: number): NewPipeline {
  const one = EXTRA[place % EXTRA.length] as NewPipeline
  if (place < EXTRA.length) return one
  return { label: one.label, stages: one.stages?.map(({ label, closed }) => ({ label, closed })) }
}

export function makePipelines(
  input: number | NewPipeline[] | undefined,
  portalId: number,
  now: number,
): Pipeline[] {
  const wanted =
    typeof input === 'object'
      ? input
      : Array.from({ length: Math.max(0, (input ?? 2) - 1) }, (_, i) => extra(i))
  const times = (archived = false) => ({
    createdAt: now - 86_400_000 * 300,
    updatedAt: now - 86_400_000 * 30,
    archivedAt: archived ? now - 86_400_000 * 30 : null,
  })
  const made = wanted.map((one, i) => {
    const id = one.id ?? String(700_000_000 + (portalId % 99_991) * 1000 + i * 10)
    return {
      id,
      label: one.label ?? `Pipeline ${i + 1}`,
      ...times(one.archived),
      stages: (one.stages ?? [{ label: 'Open' }, { label: 'Done', closed: true }]).map((stage, k) => ({
        id: stage.id ?? String(1_000_000_000 + (portalId % 99_991) * 1000 + i * 10 + k),
        label: stage.label,
        closed: stage.closed ?? false,
        ...times(stage.archived),
      })),
    }
  })
  return typeof input === 'object' && made.some((one) => one.id === '0') ? made : [supportPipeline(), ...made]
}
