/** A fault to plant: one edit that removes a protection, and the test that must fail. */

export interface Fault {
  name: string
  /**
   * The declaration in src/ that contains the code, by name. Absent: the code occurs once in all of src/ and migrations/.
   * Neither moving a file nor formatting it breaks this.
   */
  in?: string
  /** The code, regardless of white space. It must occur exactly once. */
  find: string
  /** What replaces it while the fault is planted. */
  put: string
  /** The test file that must fail. */
  test: string
  /** Runs only tests whose name this matches, to spare time; absent: the whole file. */
  only?: string
  /** What an attacker would gain from the fault, or what would break. */
  gain: string
}
