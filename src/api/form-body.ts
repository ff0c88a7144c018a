/** Parses the one form that Spoke accepts, the two buttons of its confirmation page. */
import type { FastifyInstance } from 'fastify'
import { AppError } from '../lib/errors.ts'

const bodyLimit = 256

/**
 * @param app an encapsulated part of the server, so that all other routes still accept only JSON
 */
export function acceptFormOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit },
    (request, body, done) => {
      if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
        return done(new AppError('unsupported_media_type', 'The body must be an uncompressed form'))
      const fields = [...new URLSearchParams(body as string)]
      const named = new Map(fields)
      if (named.size === fields.length) return done(null, Object.fromEntries(named))
      const details = [{ pointer: '', rule: 'must not contain a field twice' }]
      return done(new AppError('validation_failed', 'The form contains a field twice', { details }))
    },
  )
}
