/** One of the processes that share the test files of a run. */
import { runShare } from '../support/share.ts'

await runShare()
