// What a handler answers, and HubSpot's error bodies: the one place where their wording stands.
import type { Quirks } from '../quirks.ts'

export type Reply = {
  status: number
  headers?: Record<string, string>
  json?: unknown
  text?: string
  contentType?: string
}

// Thrown by a handler to answer at once; the pipeline sends the reply that it carries.
export class Refusal extends Error {
  reply: Reply
  constructor(reply: Reply) {
    super(`refused with ${reply.status}`)
    this.reply = reply
  }
}

export type ErrorExtras = {
  category?: string
  context?: Record<string, string[]>
  errors?: unknown[]
  links?: Record<string, string>
  subCategory?: string
}

// Keys in the order HubSpot writes them. The pipeline fills correlationId, which is also a response header.
export function problem(status: number, message: string, extras: ErrorExtras = {}): Reply {
  const { category, context, errors, links, subCategory } = extras
  const json: Record<string, unknown> = { status: 'error', message, correlationId: '' }
  if (errors) json.errors = errors
  if (context) json.context = context
  if (links) json.links = links
  if (category) json.category = category
  if (subCategory) json.subCategory = subCategory
  return { status, json }
}

export function refuse(status: number, message: string, extras: ErrorExtras = {}): never {
  throw new Refusal(problem(status, message, extras))
}

export function invalid(message: string, extras: ErrorExtras = {}): never {
  refuse(400, message, { category: 'VALIDATION_ERROR', ...extras })
}

export function credentialsNotFound(): Reply {
  return {
    ...problem(
      401,
      'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview',
      { category: 'INVALID_AUTHENTICATION' },
    ),
    headers: { 'x-hubspot-auth-failure': '401 Unauthorized' },
  }
}

export function tokenExpired(expiredAt: number, now: number): Reply {
  const seconds = Math.max(0, Math.floor((now - expiredAt) / 1000))
  const [count, word] =
    seconds >= 86_400
      ? [Math.floor(seconds / 86_400), 'day']
      : seconds >= 3600
        ? [Math.floor(seconds / 3600), 'hour']
        : seconds >= 60
          ? [Math.floor(seconds / 60), 'minute']
          : [seconds, 'second']
  return {
    ...problem(401, `The OAuth token used to make this call expired ${count} ${word}(s) ago.`, {
      category: 'EXPIRED_AUTHENTICATION',
      context: { 'expire time': [new Date(expiredAt).toISOString()] },
    }),
    headers: { 'x-hubspot-auth-failure': '401 Unauthorized' },
  }
}

// Recorded answers name them in many ways, and two of five name none. The newest form is in HubSpot's own schema alone.
export function missingScopes(
  scopes: readonly string[],
  form: Quirks['missing_scopes'] | 'top' | 'missing',
): Reply {
  const links = { scopes: 'https://developers.hubspot.com/scopes' }
  const category = 'MISSING_SCOPES'
  if (form === 'unnamed') return problem(403, 'This endpoint is not for public use.', { category })
  const names = [...scopes]
  const message = `${names.length > 1 || form === 'both' ? 'One or more' : 'All'} of the following scopes are required.`
  const said =
    "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes."
  const places: Record<Exclude<typeof form, 'unnamed'>, ErrorExtras> = {
    required: { errors: [{ message, context: { requiredScopes: names } }] },
    granular: { errors: [{ message, context: { requiredGranularScopes: names } }] },
    both: { errors: [{ message, context: { requiredScopes: names, requiredGranularScopes: names } }] },
    top: { context: { requiredGranularScopes: names } },
    missing: { context: { missingScopes: names } },
  }
  return problem(403, said, { category, links, ...places[form] })
}

// A 403 that is not about scopes: the account, the app or the user is refused.
export const refused = (category: string): Reply =>
  problem(403, 'This request was refused. Contact HubSpot support for more information.', { category })

// A record that is not there: a numeric id gets the short body without a category, anything else the long one.
export function objectNotFound(id: string): Reply {
  if (/^\d+$/.test(id)) return problem(404, 'resource not found')
  return problem(404, 'Object not found.  objectId are usually numeric.', {
    category: 'OBJECT_NOT_FOUND',
    context: { id: [id] },
  })
}

// A path that no service of HubSpot serves is answered by the servlet container, in HTML.
export function noSuchPath(): Reply {
  return {
    status: 404,
    contentType: 'text/html;charset=utf-8',
    text: '<html>\n<head>\n<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>\n<title>Error 404 Not Found</title>\n</head>\n<body><h2>HTTP ERROR 404</h2>\n<p>Problem accessing the requested path. Reason:\n<pre>    Not Found</pre></p>\n</body>\n</html>\n',
  }
}

// What the edge in front of HubSpot answers when it speaks for itself.
export function edgePage(status: number, title: string): Reply {
  return {
    status,
    contentType: 'text/html',
    text: `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body>\r\n<center><h1>${status} ${title}</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n`,
  }
}
