/** A value that always prints as `[secret]`; only `reveal()` returns it. */
import { inspect } from 'node:util'

const printed = '[secret]'

/**
 * A class, because only a private field is hidden from JSON, spread, inspect and the debugger
 * alike.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** Call it only where the value is sent to HubSpot or passed to the sealer. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return printed
  }

  toJSON(): string {
    return printed
  }

  [inspect.custom](): string {
    return printed
  }
}
