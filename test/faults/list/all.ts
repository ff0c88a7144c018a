/** Every planted fault. A new protection brings its fault into the file of its kind. */
import type { Fault } from '../fault.ts'
import { audit } from './audit.ts'
import { changes } from './changes.ts'
import { confirm } from './confirm.ts'
import { credentials } from './credentials.ts'
import { inbox } from './inbox.ts'
import { isolation } from './isolation.ts'
import { leaving } from './leaving.ts'
import { limits } from './limits.ts'
import { oauth } from './oauth.ts'
import { outbox } from './outbox.ts'
import { secrets } from './secrets.ts'
import { sessions } from './sessions.ts'
import { surface } from './surface.ts'

export const kinds: [heading: string, faults: Fault[]][] = [
  ['Isolation of tenants', isolation],
  ['Who is let in', credentials],
  ['Tokens of an identity provider, and sessions', sessions],
  ['Secrets', secrets],
  ['HubSpot and OAuth', oauth],
  ['Who began, and a person’s yes', confirm],
  ['HTTP surface', surface],
  ['Limits and load', limits],
  ['Webhooks', inbox],
  ['The change feed', changes],
  ['Webhooks out', outbox],
  ['The audit log', audit],
  ['A tenant that leaves', leaving],
]

export const faults: Fault[] = kinds.flatMap(([, some]) => some)
