/** The audit log: its routes. Records are written by a hook of the server, `http/audit-effects.ts`. */
import type { Feature } from '../api/feature.ts'
import type { Database } from '../db/database.ts'
import { auditRoutes } from './routes.ts'

export const auditFeature = ({ db }: { db: Database }): Feature => ({ routes: (app) => auditRoutes(app, db) })
