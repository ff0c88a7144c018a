/** An issue as responses show it. */
import type { z } from 'zod'
import { isoTimes } from '../api/wire.ts'
import type { issue } from './schema.ts'
import type { StoredIssue } from './store.ts'

export const presentIssue = (stored: StoredIssue): z.infer<typeof issue> => ({
  ...isoTimes(stored),
  associations: stored.associations && {
    contacts: stored.associations.contacts ?? null,
    companies: stored.associations.companies ?? null,
    deals: stored.associations.deals ?? null,
  },
})
