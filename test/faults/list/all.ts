/** Every planted fault. A new protection brings its fault into the file of its kind. */
import type { Fault } from '../fault.ts'
import { audit } from './audit.ts'
import { changes } from './changes.ts'
import { confirm } from './confirm.ts'
import { credentials } from './credentials.ts'
import { dueWork } from './due-work.ts'
import { exportAndErasure } from './export-and-erasure.ts'
import { inbox } from './inbox.ts'
import { isolation } from './isolation.ts'
import { limits } from './limits.ts'
import { oauth } from './oauth.ts'
import { outbox } from './outbox.ts'
import { queries } from './queries.ts'
import { secrets } from './secrets.ts'
import { sessions } from './sessions.ts'
import { sqlAccess } from './sql-access.ts'
import { surface } from './surface.ts'

export const kinds: [heading: string, faults: Fault[]][] = [
  ['Tenant isolation', isolation],
  ['Credentials and access', credentials],
  ['Identity provider tokens and sessions', sessions],
  ['Secrets', secrets],
  ['HubSpot and OAuth', oauth],
  ['Confirmation of a connection', confirm],
  ['HTTP surface', surface],
  ['Rate limits and load shedding', limits],
  ['Webhooks from HubSpot', inbox],
  ['Queries for issues', queries],
  ['Change feed', changes],
  ['Outgoing webhooks', outbox],
  ['SQL access', sqlAccess],
  ['Audit log', audit],
  ['Export, erasure and retention', exportAndErasure],
  ['Due work', dueWork],
]

export const faults: Fault[] = kinds.flatMap(([, some]) => some)
