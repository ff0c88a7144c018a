/** Accepts request bodies only as uncompressed JSON in UTF-8; other forms would be misread. */
import type { FastifyInstance } from 'fastify'
import { AppError } from '../lib/errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * A request without a body counts as one with an empty object, whatever content type it names.
     */
    bodyOptional?: true
  }
}

const unsupported = () => new AppError('unsupported_media_type', 'The body must be application/json in UTF-8')

export function acceptJsonOnly(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ routeOptions, headers }) => {
    // `curl -d ''` sends no body, but the content type of a form.
    if (routeOptions.config.bodyOptional && headers['content-length'] === '0') delete headers['content-type']
  })
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const charset = /charset\s*=\s*"?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1] ?? 'utf-8'
    const encoding = request.headers['content-encoding'] ?? 'identity'
    if (!/^utf-?8$/i.test(charset) || encoding !== 'identity') return done(unsupported())
    let text: string
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(body as Buffer)
    } catch {
      return done(new AppError('invalid_json', 'The body is not UTF-8'))
    }
    if (text === '' && request.routeOptions.config.bodyOptional) return done(null, undefined)
    if (text === '') {
      const details = [{ pointer: '', rule: 'must be an object' }]
      return done(new AppError('validation_failed', 'The request has no body', { details }))
    }
    return parse(request, text, (error, value) =>
      error
        ? done(new AppError('invalid_json', 'The body is not valid JSON', { cause: error }))
        : done(null, value),
    )
  })
}
