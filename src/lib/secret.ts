/** A value that prints as `[secret]` wherever it goes; only `reveal()` gives it out. */
import { inspect } from 'node:util'

const printed = '[secret]'

/** A class because only a private field is out of reach of JSON, spread, inspect and the debugger's printer alike. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** Call it where the value leaves for HubSpot or for the sealer, nowhere else. */
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
