// Control acts on the webhooks journal: how it is kept, what it holds.
import type { Request, Row } from './table.ts'

export const JOURNAL_ACTS: readonly Row[] = [
  ['GET', '/journal', show],
  [
    'PATCH',
    '/journal',
    (request) => {
      request.world.journal.set(request.body)
      return show(request)
    },
  ],
  [
    'POST',
    '/journal/publish',
    (request) => {
      request.world.journal.publish()
      return show(request)
    },
  ],
]

function show({ world }: Request): unknown {
  return { settings: world.journal.settings, apps: world.journal.state() }
}
