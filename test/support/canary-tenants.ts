/** Tenants with a marker word in all their data, so that a leak identifies its tenant. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { type Canary, canary } from './canaries.ts'
import type { TestEmulator } from './emulator.ts'

export interface CanaryTenant {
  /** It is in subjects, contents, property values, names, domain, user, keys and request ids. */
  word: string
  id: string
  portal: number
  token: string
  /** What belongs only to this tenant: the word, and the ids that were created for it. */
  marks: Canary[]
}

/** An account whose tickets, pipelines, stages, owners, properties, domain and user all contain the tenant's word. */
export function newCanaryTenant(emulator: TestEmulator): CanaryTenant {
  const { world } = emulator
  const word = `zq${randomBytes(8).toString('hex')}`
  // So long that no other figure holds it by chance, neither forwards nor backwards.
  const portal = randomInt(3_000_000_000_000, 9_000_000_000_000)
  world.addPortal({
    portal_id: portal,
    name: `${word} Inc`,
    hub_domain: `${word}.example.com`,
    user: `admin@${word}.example.com`,
    tickets: 0,
    owners: 2,
    archived_owners: 0,
    pipelines: [
      {
        id: `${word}-p`,
        label: `${word} pipeline`,
        stages: [
          { id: `${word}-s1`, label: `${word} new` },
          { id: `${word}-s2`, label: `${word} done`, closed: true },
        ],
      },
    ],
  })
  const { owners } = world.portal(portal)
  for (const { id } of owners)
    world.changeOwner(portal, id, { firstName: word, lastName: word, email: `${id}@${word}.example.com` })
  world.addProperty(portal, { name: `${word}_kind`, label: `${word} kind` })
  world.addTickets(portal, {
    count: 7,
    properties: {
      subject: `${word} cannot sign in`,
      content: `Please help ${word}`,
      hs_pipeline: `${word}-p`,
      hs_pipeline_stage: `${word}-s1`,
      hubspot_owner_id: String(owners[0]?.id),
      [`${word}_kind`]: `${word} value`,
    },
  })
  const { token } = world.addToken(portal, { kind: 'private_app', token: `pat-na1-${randomUUID()}` })
  const id = randomUUID()
  const marks = [
    canary('its word', word),
    canary('its id', id),
    canary('its portal', String(portal)),
    canary('its token', token),
  ]
  return { word, id, portal, token, marks }
}
