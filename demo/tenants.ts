/** Who plays in the demo. */
import type { Spoke } from '../packages/sdk/src/spoke.ts'
import type { Api } from './api.ts'
import type { Account, DemoHubSpot } from './hubspot.ts'
import type { Screen } from './screen.ts'

export interface DemoContext {
  screen: Screen
  hubspot: DemoHubSpot
  spoke: Spoke
  /** For pages and raw responses. */
  api: Api
  /** Of Spoke, for the lines to paste. */
  base: string
  /** Milliseconds since the demo began. */
  elapsed(): number
  /** Names the step that is under way, for the case that it does not hold. */
  step(name: string): void
}

export interface Tenant {
  letter: 'A' | 'B'
  account: Account
  id: string
  integrationId: string
  connected: string
}
