// What befalls the tickets of an account, told to whoever listens: webhooks and the journal.
import type { Associated, AssociationType } from './association-types.ts'
import type { Ticket } from './tickets.ts'

export type ChangeEvent = { at: number } & (
  | { kind: 'created'; ticket: Ticket }
  | { kind: 'changed'; before: Ticket; ticket: Ticket }
  | { kind: 'deleted'; id: number }
  | { kind: 'restored'; id: number }
  // The survivor is null where somebody marked a ticket as merged into an id that is not there.
  | { kind: 'merged'; primary: number; merged: number[]; into: number; survivor: Ticket | null }
  | {
      kind: 'associated'
      id: number
      to: Associated
      other: number
      before: readonly AssociationType[]
      after: readonly AssociationType[]
    }
)

// Who did it, in the words of a webhook. Without a source it is the person who runs the account.
export type Actor = { changeSource: string; sourceId: string | null }

// `emit` is null until there is a subscription: accounts with a million tickets then pay nothing for it.
export type ChangeEmitter = { emit: ((portal_id: number, event: ChangeEvent) => void) | null; actor: Actor }

export const IN_THE_CRM: Actor = { changeSource: 'CRM_UI', sourceId: null }

/** Nobody listens yet. */
export function createChangeEmitter(): ChangeEmitter {
  return { emit: null, actor: IN_THE_CRM }
}

/** What `act` changes is told as done by `actor`. */
export function runAs<T>(emitter: ChangeEmitter, actor: Actor, act: () => T): T {
  const before = emitter.actor
  emitter.actor = actor
  try {
    return act()
  } finally {
    emitter.actor = before
  }
}
