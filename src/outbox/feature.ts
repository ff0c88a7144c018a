/** Webhooks to the tenants' products: the routes of endpoints, the sender, and how long deliveries are kept. */
import { getHeapStatistics } from 'node:v8'
import { byteLimits, createByteBudget } from '../api/byte-budget.ts'
import type { Feature } from '../api/feature.ts'
import { withSystem } from '../db/scope.ts'
import type { Egress } from '../lib/proxy.ts'
import { deleteOldDeliveries, hasOldDeliveries } from './delivery-store.ts'
import { type Endpoint, productEndpoint } from './endpoint.ts'
import { setProductEndpoint } from './endpoint-store.ts'
import { type OutboxRouteDependencies, outboxRoutes } from './routes.ts'
import type { SenderDependencies } from './sender.ts'
import { createWebhookPoster } from './webhook-poster.ts'
import { outboxSource } from './webhook-sender.ts'

export interface OutboxDependencies
  extends OutboxRouteDependencies,
    Omit<SenderDependencies, 'product' | 'posters' | 'bytes'> {
  /** The product's own endpoint; undefined: it has none. */
  events: Omit<Endpoint, 'endpointId' | 'failing'> | undefined
  egress: Egress | undefined
  /** Deliveries are kept as long as their changes. */
  retention: { changesMs: number | undefined }
}

export function outboxFeature(deps: OutboxDependencies): Feature {
  const { db, clock, egress, allowPrivate, events } = deps
  const product = events && { endpointId: productEndpoint, failing: false, ...events }
  const posters = {
    tenants: createWebhookPoster({ clock, allowPrivate, egress }),
    product: createWebhookPoster({ clock, allowPrivate: true, egress }),
  }
  // A budget of its own, so that a slow receiver does not use up the memory for API responses.
  const bytes = createByteBudget(byteLimits(getHeapStatistics().heap_size_limit / 2), clock, () => {})
  return {
    routes: (app) => outboxRoutes(app, deps),
    // The process that sends records whether the product endpoint exists.
    start: () => withSystem(db, (scope) => setProductEndpoint(scope, product ? product.types : 'none')),
    work: [outboxSource({ ...deps, product, posters, bytes })],
    hooks: {
      retention: [
        {
          name: 'deliveries',
          keepMs: deps.retention.changesMs,
          hasExpired: hasOldDeliveries,
          remove: (scope, _keepMs, atMost) => deleteOldDeliveries(scope, atMost),
        },
      ],
    },
    async close() {
      await posters.product.close()
      await posters.tenants.close()
    },
  }
}
