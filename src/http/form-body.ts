/** The one form that is taken: two buttons of a page of ours. Everywhere else a body is JSON. */
import type { FastifyInstance } from 'fastify'
import { AppError } from '../lib/errors.ts'

const bodyLimit = 256

/** @param app a part of the server of its own, so that no other route takes forms */
export function acceptFormOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit },
    (request, body, done) => {
      if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
        return done(new AppError('unsupported_media_type', 'The body must be a form, not compressed'))
      const fields = [...new URLSearchParams(body as string)]
      const named = new Map(fields)
      if (named.size === fields.length) return done(null, Object.fromEntries(named))
      const details = [{ pointer: '', rule: 'must not hold a field twice' }]
      return done(new AppError('validation_failed', 'The form holds a field twice', { details }))
    },
  )
}
