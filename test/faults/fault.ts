/** A fault to plant: one edit that takes a protection away, and the test that must notice. */

export interface Fault {
  name: string
  file: string
  /** Stands there exactly once. */
  find: string
  /** What stands there instead, while the fault is planted. */
  put: string
  /** The test file that must turn red. */
  test: string
  /** Runs only tests whose name this matches, to spare time; absent: the whole file. */
  only?: string
  /** What somebody would gain from the fault. */
  gain: string
}
