/** Builds the OpenAPI document from the routes. */
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { sessionCookieName } from '../auth/session.ts'
import { version } from '../lib/version.ts'
import { type Document, shareParameters, shareResponses, withoutUnusedSchemas } from './openapi-components.ts'
import { addExamples } from './openapi-examples.ts'
import {
  type DescribedRoute,
  describeOperation,
  headers,
  requestHeaders,
  responses,
} from './openapi-operation.ts'
import { describeWebhooks, webhookHeaders } from './openapi-webhooks.ts'

/** Name, heading and description, in the order of a first use. */
const tags = [
  ['integrations', 'Integrations', 'A tenant’s connections to HubSpot accounts.'],
  ['issues', 'Issues', 'Spoke’s copy of the tickets.'],
  ['tickets', 'Tickets', 'Tickets, read live from HubSpot.'],
  ['sync', 'Sync', 'Runs that bring the copy up to date, and records that could not be stored as received.'],
  ['changes', 'Changes', 'The change feed: what changed, each change once.'],
  ['webhooks out', 'Webhooks from Spoke', 'Webhooks from Spoke: endpoints and their deliveries.'],
  ['webhooks', 'Webhooks from HubSpot', 'Webhooks from HubSpot, and the inbox that they go to.'],
  ['tenants', 'Tenants', 'Tenants, for the operator.'],
  ['api keys', 'API keys', 'The keys of a tenant.'],
  ['session', 'Sessions', 'Sessions of browsers.'],
  ['audit', 'Audit log', 'Who did what.'],
  ['health', 'Health', 'Probes and metrics.'],
] as const

const description = `Spoke keeps the HubSpot tickets of many tenants in sync, as issues in one database.

**Start.** Connect an account with \`integrations.connect\`, or send the tenant’s browser to the \`authorization_url\` of \`oauth.authorize\`. The first sync starts by itself. Then read \`issues.list\`, and follow \`changes.list\`.

**Credential.** An API key or JWT of the tenant, or the operator’s admin key, as \`Authorization: Bearer\`; or a browser’s session. \`x-spoke-access\` is what an operation requires: a scope (\`read\`, \`sync\`, \`manage\`), any credential (\`session\`), the admin key (\`admin\`), the metrics key (\`metrics\`), HubSpot’s signature (\`signed\`), or nothing (\`public\`). The admin key may call all but \`signed\`. A service without an admin key accepts requests from its own machine only, and needs no credential.

**Errors.** Every error response is a \`Problem\` object, as \`application/problem+json\` if \`Accept\` requests it; \`x-error-codes\` lists its possible \`code\`s. New codes, fields and event types may be added.`

const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A tenant’s API key or token (JWT), or the operator’s admin key.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    // As in production: the name depends on whether the public URL is https.
    name: sessionCookieName(new URL('https://spoke.example')),
    description:
      'A browser’s session: the browser sends the cookie by itself. Requests that change something also send x-spoke-csrf.',
  },
  hubSpotSignature: {
    type: 'apiKey',
    in: 'header',
    name: 'X-HubSpot-Signature-v3',
    description: 'HubSpot’s signature, made with the client secret of the app.',
  },
} as const

/** Call before adding any route. */
export async function describeOpenApi(app: FastifyInstance): Promise<void> {
  const routes = new Map<string, DescribedRoute>()
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Spoke',
        version,
        description,
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      },
      servers: [{ url: '/', description: 'The service that returned this document' }],
      tags: tags.map(([name, heading, text]) => ({ name, description: text, 'x-displayName': heading })),
      components: { securitySchemes },
    },
    transform: (described) => {
      const { schema = {}, url } = jsonSchemaTransform(described)
      const { operationId } = schema as { operationId?: string }
      if (operationId !== undefined) routes.set(operationId, described.route)
      const names = described.route.config?.requestHeaders ?? []
      const properties = Object.fromEntries(names.map((name) => [name, requestHeaders[name]]))
      return {
        url,
        schema: names.length > 0 ? { ...schema, headers: { type: 'object', properties } } : schema,
      }
    },
    transformObject: (described) => {
      const document = jsonSchemaTransformObject(described) as Document
      document.components = { ...document.components, headers, parameters: webhookHeaders, responses }
      for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
        const route = routes.get(operation.operationId ?? '')
        if (route) describeOperation(operation, route)
      }
      document.webhooks = describeWebhooks()
      addExamples(document)
      shareResponses(document)
      shareParameters(document)
      return withoutUnusedSchemas(document)
    },
  })
}
