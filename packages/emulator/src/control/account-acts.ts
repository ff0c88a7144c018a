// Control acts on apps, accounts, tokens, and on an account's properties, owners and pipelines.
import { isReadTime } from '../crm/read-time-definitions.ts'
import type { OwnerChange, PipelineChange } from '../crm/settings-acts.ts'
import type { NewPortal, Portal } from '../portals.ts'
import type { NewApp, NewToken } from '../token-types.ts'
import { portalId, type Row, words } from './table.ts'

export const ACCOUNT_ACTS: readonly Row[] = [
  [
    'GET',
    '/',
    ({ world }) => ({
      seed: world.seed,
      clock: world.clock.now(),
      portals: [...world.portals.keys()],
      apps: [...world.tokens.apps.values()],
      quirks: world.quirks,
    }),
  ],
  [
    'POST',
    '/reset',
    ({ world }) => {
      world.reset()
      return { reset: true }
    },
  ],
  ['POST', '/apps', ({ world, body }) => world.addApp(body as NewApp)],
  ['GET', '/apps', ({ world }) => ({ results: [...world.tokens.apps.values()] })],
  [
    'PATCH',
    '/apps/:',
    ({ world, params, body }) => {
      const app = world.tokens.apps.get(params[0] ?? '')
      if (!app) throw new Error(`there is no app with client_id ${params[0]}`)
      return Object.assign(app, body)
    },
  ],
  ['POST', '/portals', ({ world, body }) => showPortal(world.addPortal(body as NewPortal))],
  ['GET', '/portals', ({ world }) => ({ results: [...world.portals.values()].map(showPortal) })],
  ['GET', '/portals/:', (request) => showPortal(request.world.portal(portalId(request)))],
  [
    'PATCH',
    '/portals/:',
    (request) => {
      const { name, hub_domain, time_zone, plan, account_type, currency, user, user_id } =
        request.body as Partial<Portal>
      const given = { name, hub_domain, time_zone, plan, account_type, currency, user, user_id }
      const portal = request.world.portal(portalId(request))
      for (const [key, value] of Object.entries(given))
        if (value !== undefined) Object.assign(portal, { [key]: value })
      return showPortal(portal)
    },
  ],
  [
    'DELETE',
    '/portals/:',
    (request) => {
      request.world.deletePortal(portalId(request))
      return { deleted: true }
    },
  ],
  [
    'POST',
    '/portals/:/tokens',
    (request) =>
      request.world.addToken(portalId(request), { kind: 'private_app', ...request.body } as NewToken),
  ],
  [
    'POST',
    '/portals/:/scopes',
    (request) => {
      const portal = request.world.portal(portalId(request))
      for (const scope of words(request.body.remove)) portal.removed_scopes.add(scope)
      for (const scope of words(request.body.restore)) portal.removed_scopes.delete(scope)
      return { removed_scopes: [...portal.removed_scopes] }
    },
  ],
  [
    'POST',
    '/portals/:/properties',
    (request) => request.world.addProperty(portalId(request), request.body as { name: string }),
  ],
  [
    'PATCH',
    '/portals/:/properties/:',
    (request) => request.world.changeProperty(portalId(request), request.params[1] ?? '', request.body),
  ],
  [
    'DELETE',
    '/portals/:/properties/:',
    (request) => {
      request.world.archiveProperty(portalId(request), request.params[1] ?? '')
      return { archived: true }
    },
  ],
  [
    'PATCH',
    '/portals/:/owners/:',
    (request) =>
      request.world.changeOwner(portalId(request), request.params[1] ?? '', request.body as OwnerChange),
  ],
  [
    'DELETE',
    '/portals/:/owners/:',
    (request) => request.world.archiveOwner(portalId(request), request.params[1] ?? ''),
  ],
  [
    'PATCH',
    '/portals/:/pipelines/:',
    (request) =>
      request.world.changePipeline(
        portalId(request),
        request.params[1] ?? '',
        request.body as PipelineChange,
      ),
  ],
  ['POST', '/portals/:/traffic', (request) => request.world.setTraffic(portalId(request), request.body)],
]

function showPortal(portal: Portal): unknown {
  const { portal_id, name, hub_domain, time_zone, plan, hublet, ui_domain, user_id, user, deleted } = portal
  return {
    portal_id,
    name,
    hub_domain,
    time_zone,
    plan,
    hublet,
    ui_domain,
    user_id,
    user,
    deleted,
    tickets: portal.tickets.live(),
    archived: portal.tickets.archived(),
    owners: portal.owners.length,
    pipelines: portal.pipelines.map(({ id, label, stages }) => ({
      id,
      label,
      stages: stages.map((one) => one.id),
    })),
    custom_properties: [...portal.definitions.values()]
      .filter((one) => !one.hubspotDefined)
      .map((one) => one.name),
    computed_at_read: [...portal.definitions.values()].filter(isReadTime).map((one) => one.name),
    removed_scopes: [...portal.removed_scopes],
  }
}
