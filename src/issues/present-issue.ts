/** An issue as responses show it. */
import type { FastifyReply } from 'fastify'
import type { z } from 'zod'
import { isoTimes } from '../api/wire.ts'
import { fieldNames, type IssueFields } from './issue-fields.ts'
import type { issue } from './schema.ts'
import type { StoredIssue } from './store.ts'

type Issue = z.infer<typeof issue>

/** @param fields only these; the type of the result does not say so. Absent: all */
export function presentIssue(stored: StoredIssue, fields?: IssueFields): Issue {
  const shown: Issue = {
    ...isoTimes(stored),
    associations: stored.associations && {
      contacts: stored.associations.contacts ?? null,
      companies: stored.associations.companies ?? null,
      deals: stored.associations.deals ?? null,
    },
  }
  if (!fields) return shown
  const isShown = (name: string) =>
    fields.has(name) || (name === 'properties' && fields.properties.length > 0)
  return Object.fromEntries(
    fieldNames.filter(isShown).map((name) => [name, shown[name as keyof Issue]]),
  ) as unknown as Issue
}

/** Sends what `presentIssue` leaves of an issue: the schema of the response requires all fields. */
export function sendSelected(reply: FastifyReply, fields: IssueFields | undefined): void {
  if (!fields) return
  reply.type('application/json; charset=utf-8').serializer((body: unknown) => JSON.stringify(body))
}
