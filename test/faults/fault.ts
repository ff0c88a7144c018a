/** A fault to plant: one edit that takes a protection away, and the test that must notice. */

export interface Fault {
  name: string
  /**
   * The declaration of src/ that the code stands in, by its name; absent: the code stands once in all of src/ and migrations/.
   * Neither moving a file nor formatting it breaks this.
   */
  in?: string
  /** The code, whose white space does not matter. It stands there exactly once. */
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
