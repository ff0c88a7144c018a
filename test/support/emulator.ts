/** The emulator for a test: started empty, spoken to over its control API, as a user of the tool would. */
import { type Emulator, startEmulator } from '../../packages/emulator/src/server.ts'

export const redirectUri = 'http://localhost:8000/api/hubspot/oauth/callback'

export interface TestEmulator extends Emulator {
  // biome-ignore lint/suspicious/noExplicitAny: tests read the fields that they need
  control(method: string, path: string, body?: unknown): Promise<any>
  /** Requests that HubSpot saw, of paths that hold `path`. */
  requests(path?: string): Promise<
    {
      path: string
      method: string
      status: number
      portal_id: number | null
      query: Record<string, string>
    }[]
  >
}

/** Never met, and announced in the headers: a test of something else does not wait for slots. */
const generous = { oauth_ten_secondly: 100_000, private_ten_secondly: 100_000 }

/** @param limits `hubspot`: those of the account's plan, for a test about them */
export async function startTestEmulator(
  { limits, ...options }: Parameters<typeof startEmulator>[0] & { limits?: 'hubspot' } = {},
  refresh = 'stable',
): Promise<TestEmulator> {
  const emulator = await startEmulator(options)
  const control: TestEmulator['control'] = async (method, path, body) => {
    const answer = await fetch(`${emulator.url}/_emulator${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`emulator ${method} ${path}: ${answer.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  if (limits !== 'hubspot') await control('POST', '/limits', generous)
  await control('POST', '/apps', {
    client_id: 'test-client',
    client_secret: 'test-secret-of-the-app',
    redirect_uris: [redirectUri],
    required_scopes: ['oauth', 'tickets', 'crm.objects.owners.read'],
    refresh,
  })
  return {
    ...emulator,
    control,
    async requests(path = '') {
      const { results } = await control('GET', `/requests?limit=100000&path=${encodeURIComponent(path)}`)
      return results
    },
  }
}

/** All current live tickets of a portal: id -> what a sync should have stored. */
export async function truthOf(
  emulator: TestEmulator,
  hubId: number,
): Promise<Map<string, { subject: string | null; updatedAt: string }>> {
  const truth = new Map()
  let after: string | undefined
  do {
    const page = await emulator.control(
      'GET',
      `/portals/${hubId}/truth?limit=10000${after ? `&after=${after}` : ''}`,
    )
    for (const ticket of page.results) {
      truth.set(ticket.id, {
        subject: ticket.properties.subject ?? null,
        updatedAt: new Date(ticket.updatedAt).toISOString(),
      })
    }
    after = page.next ?? undefined
  } while (after)
  return truth
}
