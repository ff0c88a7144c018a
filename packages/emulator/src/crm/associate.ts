// Adding and taking away associations of a ticket, and telling of it.
import type { Portal } from '../portals.ts'
import type { Associated, AssociationType } from './association-types.ts'

/** Labels come on top of the plain type. */
export function associate(
  portal: Portal,
  id: number,
  to: Associated,
  other: number,
  types: readonly AssociationType[],
  at: number,
): void {
  told(portal, id, to, other, at, () => portal.associations.add(id, to, other, types))
}

/** Without types the whole association goes. */
export function dissociate(
  portal: Portal,
  id: number,
  to: Associated,
  other: number,
  types: readonly AssociationType[],
  at: number,
): void {
  told(portal, id, to, other, at, () => portal.associations.remove(id, to, other, types))
}

function told(
  { associations, emitter, portal_id }: Portal,
  id: number,
  to: Associated,
  other: number,
  at: number,
  act: () => void,
): void {
  const now = () => associations.of(id, to).find((one) => one.to === other)?.types ?? []
  const before = emitter.emit ? now() : []
  act()
  emitter.emit?.(portal_id, { kind: 'associated', id, to, other, before, after: now(), at })
}
