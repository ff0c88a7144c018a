// Which apps are installed in which accounts by OAuth: as long as one authorisation of the app lives there.
import type { App, Grant } from './token-types.ts'

export type Installs = ReturnType<typeof createInstalls>
export type InstallListener = (app: App, portal_id: number, installed: boolean) => void

/** Tells of the first authorisation of an app in an account and of the end of the last. */
export function createInstalls() {
  const byPortal = new Map<number, Grant[]>()
  const listeners: InstallListener[] = []

  const of = (app: App, portal_id: number): Grant[] =>
    (byPortal.get(portal_id) ?? []).filter((grant) => grant.app === app)

  function tell({ app, portal_id }: Grant, installed: boolean): void {
    for (const listener of listeners) listener(app, portal_id, installed)
  }

  return {
    of,
    add(grant: Grant): void {
      const first = of(grant.app, grant.portal_id).length === 0
      byPortal.set(grant.portal_id, [...(byPortal.get(grant.portal_id) ?? []), grant])
      if (first) tell(grant, true)
    },
    // An app is uninstalled when the last of its authorisations has ended.
    remove(grant: Grant): void {
      const left = (byPortal.get(grant.portal_id) ?? []).filter((one) => one !== grant)
      if (left.length > 0) byPortal.set(grant.portal_id, left)
      else byPortal.delete(grant.portal_id)
      if (of(grant.app, grant.portal_id).length === 0) tell(grant, false)
    },
    listen: (listener: InstallListener): void => {
      listeners.push(listener)
    },
    clear: () => byPortal.clear(),
  }
}
